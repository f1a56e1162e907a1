// The ports. Each looks at the first bytes of a connection, so that a client of the other protocol learns it.
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { BeaconError } from '../store/errors.ts';
import { CODES } from './answer.ts';
import { grpcReceiver, refuseCall } from './grpc.ts';
import { type HttpReceiverOptions, httpReceiver } from './http.ts';
import type { Gate } from './token.ts';

export interface PortsOptions extends HttpReceiverOptions {
  host: string;
  httpPort: Wanted;
  grpcPort: Wanted;
  /** Where clients of Zipkin look by default; undefined leaves it out. */
  zipkinPort?: Wanted | undefined;
  /** Certificate and key, PEM, with which all ports speak TLS; without it they speak none. */
  tls?: { cert: Buffer; key: Buffer } | undefined;
}

/** A port; a `strict` one must be free, another one is replaced when it is busy. 0 lets the system choose. */
export interface Wanted {
  port: number;
  strict: boolean;
}

export interface Ports {
  httpPort: number;
  grpcPort: number;
  zipkinPort: number | undefined;
  /** A sentence for each port that was busy. */
  notes: string[];
  /** Accepts no new connection, and resolves when every answer is out. */
  close(): Promise<void>;
}

/** Addresses that only this machine reaches, and names by which requests to them are addressed. */
export const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '[::1]', 'localhost']);

/**
 * Whether it is safe to listen there.
 *
 * @throws BeaconError when any host could send and no setting asks for that.
 */
export function checkHost(host: string, gate: Gate, anonymous: boolean): void {
  if (LOOPBACK.has(host) || !gate.isOpen || anonymous) return;
  throw new BeaconError(
    'usage',
    `OTLP on ${host} would accept spans from anyone who can reach it.`,
    'Set BEACON_TOKEN, which clients then send as a bearer token, or say --otlp-anonymous.',
  );
}

/**
 * Opens all receivers, or none.
 *
 * @throws BeaconError when a strict port is busy, or the address is not ours.
 */
export async function openPorts(options: PortsOptions): Promise<Ports> {
  const { host } = options;
  const notes: string[] = [];
  const opened: net.Server[] = [];
  const sockets = new Set<net.Socket>();
  const web = httpReceiver(options);
  const rpc = grpcReceiver(options);
  const ports = { http: 0, grpc: 0 };
  const missed = (kind: 'grpc_to_http' | 'http_to_grpc' | 'tls_to_plain') =>
    options.ingest.counters.count('refused', kind);
  const wrongWay = wrongProtocol(() => {
    missed('grpc_to_http');
    return `OTLP over HTTP is spoken on this port; OTLP over gRPC is on port ${ports.grpc}.`;
  });

  const meeting = (then: Then) =>
    options.tls
      ? encrypted(options.tls, sockets, then)
      : (raw: net.Socket) => sniff(raw, sockets, (kind) => then(kind, raw));
  const toHttp = (server: net.Server, serve: (socket: net.Socket) => void) =>
    server.on(
      'connection',
      meeting((kind, socket) => {
        if (kind === 'http2') wrongWay.emit('connection', socket);
        else if (kind === 'tls') {
          missed('tls_to_plain');
          sentence(socket, 'There is no TLS on this port; use http:// instead of https://.');
        } else serve(socket);
      }),
    );
  // The server's own way with a connection, taken once we know what it speaks.
  const [own] = web.listeners('connection') as [(socket: net.Socket) => void];
  web.removeAllListeners('connection');
  toHttp(web, (socket) => own.call(web, socket));

  const front = net.createServer(
    meeting((kind, socket) => {
      if (kind === 'http2') rpc.server.emit('connection', socket);
      else {
        // A browser that looks around sends GET.
        if (kind === 'post' || kind === 'tls') missed(kind === 'tls' ? 'tls_to_plain' : 'http_to_grpc');
        sentence(socket, `OTLP over gRPC is spoken on this port; OTLP over HTTP is on port ${ports.http}.`);
      }
    }),
  );
  const open = async (server: net.Server, name: string, wanted: Wanted) => {
    opened.push(server);
    const port = await listen(server, host, wanted);
    if (wanted.port !== 0 && port !== wanted.port) {
      notes.push(`Port ${wanted.port} is busy: ${name} listens on ${port} instead.`);
    }
    return port;
  };
  const closeAll = async () => {
    for (const server of opened) if (server.listening) server.close();
    web.closeIdleConnections();
    await rpc.close();
    for (const socket of sockets) socket.destroy();
  };
  try {
    ports.http = await open(web, 'OTLP/HTTP', options.httpPort);
    ports.grpc = await open(front, 'OTLP/gRPC', options.grpcPort);
    let zipkinPort: number | undefined;
    if (options.zipkinPort) {
      const zipkin = net.createServer();
      toHttp(zipkin, (socket) => own.call(web, socket));
      zipkinPort = await open(zipkin, 'Zipkin', options.zipkinPort);
    }
    return { httpPort: ports.http, grpcPort: ports.grpc, zipkinPort, notes, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type Then = (kind: Kind, socket: net.Socket) => void;

/** Shakes hands, which tells the protocol too; what is no TLS ends. */
function encrypted(by: { cert: Buffer; key: Buffer }, sockets: Set<net.Socket>, then: Then): (raw: net.Socket) => void {
  // It never listens: connections are handed to it.
  const server = tls.createServer({ ...by, ALPNProtocols: ['h2', 'http/1.1'] });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    then(socket.alpnProtocol === 'h2' ? 'http2' : 'http1', socket);
  });
  return (raw) => {
    sockets.add(raw);
    raw.once('close', () => sockets.delete(raw));
    raw.on('error', () => raw.destroy());
    server.emit('connection', raw);
  };
}

/** `post` is HTTP/1, too. */
type Kind = 'http1' | 'post' | 'http2' | 'tls';

/** Waits for the first bytes, puts them back, and tells what they are. */
function sniff(socket: net.Socket, sockets: Set<net.Socket>, then: (kind: Kind) => void): void {
  sockets.add(socket);
  const onError = () => socket.destroy();
  socket.on('error', onError);
  socket.once('close', () => sockets.delete(socket));
  socket.setTimeout(SILENT_MS, () => socket.destroy());
  socket.once('data', (first: Buffer) => {
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    const preface = first.toString('latin1', 0, 3);
    const kind = preface === 'PRI' ? 'http2' : first[0] === 0x16 ? 'tls' : preface === 'POS' ? 'post' : 'http1';
    if (kind === 'http2') {
      // The session takes what is in the buffer, then the handle.
      socket.pause();
      socket.unshift(first);
      then(kind);
    } else {
      then(kind);
      // Node's HTTP/1 server takes the handle at once and never looks into the buffer.
      socket.emit('data', first);
    }
  });
}

const SILENT_MS = 120_000;

/** Answers HTTP/1 (or whatever it is) with one sentence. */
function sentence(socket: net.Socket, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  socket.resume();
}

/** Answers every call of gRPC with one sentence. */
function wrongProtocol(text: () => string): http2.Http2Server {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    refuseCall(stream, CODES.UNIMPLEMENTED.grpc, text());
  });
  return server;
}

async function listen(server: net.Server, host: string, { port, strict }: Wanted): Promise<number> {
  const attempt = (which: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(which, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await attempt(port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || strict) {
      const what =
        code === 'EADDRINUSE' ? `Port ${port} on ${host} is busy.` : `Cannot listen on ${host}:${port}: ${message}`;
      throw new BeaconError(
        'internal',
        what,
        'Choose another one with --otlp-http-port or --otlp-grpc-port (0 lets the system choose).',
      );
    }
    await attempt(0);
  }
  return (server.address() as net.AddressInfo).port;
}
