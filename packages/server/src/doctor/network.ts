// Ports as they are: whether one answers, on which address, and in which protocol.
import * as net from 'node:net';

export type Spoken = 'postgres' | 'http1' | 'http2' | 'tls' | 'silent' | 'closed' | 'other';

const WITHIN_MS = 1_500;
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
// PostgreSQL answers an SSLRequest with one letter, S or N.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Whether a TCP connection is accepted; the system's error code where it is not. */
export function isOpen(host: string, port: number): Promise<true | string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: WITHIN_MS });
    const done = (how: true | string) => {
      socket.destroy();
      resolve(how);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done('ETIMEDOUT'));
    // A reset comes from a process that had accepted.
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      done(code === 'ECONNRESET' ? true : (code ?? message)),
    );
  });
}

/** Addresses of this machine's loopback, the one asked for included, on which the port is open. */
export async function loopbackAddresses(port: number): Promise<{ v4: boolean; v6: boolean }> {
  const [v4, v6] = await Promise.all([isOpen('127.0.0.1', port), isOpen('::1', port)]);
  return { v4: v4 === true, v6: v6 === true };
}

/** Which protocols got an answer in kind. APIs that explain themselves to strangers answer more than one. */
export interface Heard {
  postgres: boolean;
  http1: boolean;
  http2: boolean;
  tls: boolean;
  /** Whether there was an answer at all. */
  any: boolean;
}

/** Speaks PostgreSQL, HTTP/1.1 and HTTP/2, which gRPC is, to a port that is open. */
export async function heardAt(host: string, port: number): Promise<Heard> {
  // At once: a port that keeps silent costs one wait, not three. The path is one that OTLP servers do not count.
  const [postgres, http, http2] = await Promise.all([
    say(host, port, SSL_REQUEST),
    say(host, port, Buffer.from(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)),
    say(host, port, Buffer.concat([Buffer.from(HTTP2_PREFACE), EMPTY_SETTINGS])),
  ]);
  return {
    postgres: postgres.length === 1 && /^[SN]$/.test(postgres.toString('latin1')),
    http1: http.subarray(0, 5).toString('latin1') === 'HTTP/',
    http2: isSettings(http) || isSettings(http2),
    tls: http[0] === 0x15,
    any: postgres.length + http.length + http2.length > 0,
  };
}

/** The one protocol a port is there for, as far as it can be told. */
export async function spokenAt(host: string, port: number): Promise<Spoken> {
  if ((await isOpen(host, port)) !== true) return 'closed';
  const heard = await heardAt(host, port);
  const kinds = ['postgres', 'http1', 'http2', 'tls'] as const;
  return kinds.find((kind) => heard[kind]) ?? (heard.any ? 'other' : 'silent');
}

/** An HTTP/2 server opens with a SETTINGS frame (type 4 on stream 0). */
function isSettings(data: Buffer): boolean {
  return data.length >= 9 && data[3] === 4 && data.readUInt32BE(5) === 0;
}

/** The first piece of the answer; empty when there is none. */
function say(host: string, port: number, what: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: WITHIN_MS }, () => socket.write(what));
    const done = (data: Buffer) => {
      socket.destroy();
      resolve(data);
    };
    socket.once('data', done);
    for (const event of ['timeout', 'error', 'end', 'close']) socket.once(event, () => done(Buffer.alloc(0)));
  });
}

/** `host:port/database` as a tracer shows it, or a whole connection string. */
export function hostAndPort(address: string): { host: string; port: number; database: string } | undefined {
  try {
    const url = new URL(address.includes('://') ? address : `postgresql://${address}`);
    return {
      host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
      port: Number(url.port || 5432),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return undefined;
  }
}
