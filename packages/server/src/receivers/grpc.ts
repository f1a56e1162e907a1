// OTLP over gRPC: unary calls over HTTP/2. Spoken here rather than by a library, because a library hands a message over
// when it has read and unpacked all of it: too late to say that there is no room for it, or that the token is wrong.
import * as http2 from 'node:http2';
import { acceptedBytes, CODES, Refusal, statusBytes } from './answer.ts';
import { asRefusal, type HttpReceiverOptions } from './http.ts';
import type { Ingest } from './ingest.ts';
import type { Intake } from './intake.ts';
import type { Reservation } from './reservation.ts';
import { NO_ENTRY } from './token.ts';

const SERVICE = /^\/opentelemetry\.proto\.collector\.(trace|metrics|logs)\.v1\.(?:Trace|Metrics|Logs)Service\/Export$/;
/** One byte that says whether the message is packed, four of its length. */
const PREFIX = 5;
const CLOSE_BUDGET_MS = 2_000;
/** A call that has not begun its message by then is ended. */
const SILENT_MS = 10_000;
const MAX_SESSIONS = 1_000;

type Options = Pick<HttpReceiverOptions, 'ingest' | 'gate' | 'admission' | 'warn'>;

export interface GrpcReceiver {
  /** Takes connections by its event `connection`; listens nowhere itself. */
  server: http2.Http2Server;
  /** Resolves when every answer is out, or after two seconds. */
  close(): Promise<void>;
}

export function grpcReceiver(options: Options): GrpcReceiver {
  const settings = { maxConcurrentStreams: 256, initialWindowSize: 1 << 20, maxFrameSize: 1 << 18 };
  const server = http2.createServer({ settings });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    if (sessions.size >= MAX_SESSIONS) {
      session.destroy();
      return;
    }
    sessions.add(session);
    session.setLocalWindowSize(1 << 22);
    session.once('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(options, stream, headers).catch((error) => {
      options.warn('a call failed', error);
      stream.destroy();
    });
  });
  return {
    server,
    async close() {
      const closed = [...sessions].map((session) => new Promise<void>((resolve) => session.close(resolve)));
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_BUDGET_MS).unref());
      await Promise.race([Promise.all(closed), late]);
      for (const session of sessions) session.destroy();
    },
  };
}

async function answer(options: Options, stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) {
  if (!/^application\/grpc\b/.test(headers['content-type'] ?? '')) {
    stream.respond({ ':status': 415 }, { endStream: true });
    stream.resume();
    return;
  }
  try {
    options.ingest.counters.count('requests', 'grpc');
    succeed(stream, await exported(options, stream, headers));
  } catch (error) {
    if (stream.destroyed) options.ingest.counters.count('refused', 'disconnected');
    else fail(options, stream, error);
  }
}

async function exported(
  { ingest, gate, admission }: Options,
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
): Promise<Buffer> {
  const address = stream.session?.socket.remoteAddress ?? '';
  admission.check(address, headers[':authority'] ?? headers.host ?? '', headers);
  if (!gate.admits(headers.authorization, 'send')) {
    if (headers.authorization !== undefined) admission.wrongToken(address);
    throw new Refusal('UNAUTHENTICATED', 'token', NO_ENTRY);
  }
  const path = headers[':path'] ?? '';
  const signal = SERVICE.exec(path)?.[1];
  if (signal === undefined) {
    const text = `There is no ${path.slice(0, 200)} here; traces go to opentelemetry.proto.collector.trace.v1.TraceService/Export, logs to opentelemetry.proto.collector.logs.v1.LogsService/Export.`;
    throw new Refusal('UNIMPLEMENTED', 'no_such_path', text);
  }
  if (signal === 'metrics') {
    const text = 'Beacon stores traces and their logs only; metrics are not stored.';
    throw new Refusal('UNIMPLEMENTED', 'no_such_signal', text);
  }
  const reservation = ingest.reserve(gate.nameOf(headers.authorization) ?? address);
  try {
    const body = await messageOf(ingest, stream, reservation, headers['grpc-encoding']?.toString());
    const { rejected, message: said } = await (signal === 'logs' ? ingest.logs : ingest).store(
      body,
      'protobuf',
      reservation,
    );
    return acceptedBytes(rejected, said);
  } finally {
    reservation.release();
  }
}

/** The one message of a unary call, unpacked while it arrives. */
function messageOf(
  ingest: Ingest,
  stream: http2.ServerHttp2Stream,
  reservation: Reservation,
  encoding: string | undefined,
): Promise<Buffer> {
  const prefix = Buffer.alloc(PREFIX);
  let intake: Intake | undefined;
  let length = 0;
  let received = 0;
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => {
      stream.off('data', take);
      clearTimeout(silence);
      if (intake) intake.fail(error);
      else reject(error);
    };
    const silence = setTimeout(() => failed(new Refusal('TIMEOUT', 'stalled', 'no message came')), SILENT_MS);
    silence.unref();
    const begin = () => {
      clearTimeout(silence);
      length = prefix.readUInt32BE(1);
      intake = ingest.receive(reservation, prefix[0] === 1 ? encoding : undefined, length);
      intake.onDrain(() => stream.resume());
      intake.body.then(resolve, reject);
    };
    const take = (chunk: Buffer) => {
      try {
        let at = 0;
        if (received < PREFIX) {
          at = chunk.copy(prefix, received);
          received += at;
          if (received === PREFIX) begin();
        }
        received += chunk.length - at;
        if (received > PREFIX + length && intake) {
          throw new Refusal('INVALID_ARGUMENT', 'malformed', 'Export takes one message; there is more after it.');
        }
        if (intake && chunk.length > at && !intake.write(chunk.subarray(at))) stream.pause();
      } catch (error) {
        failed(error);
      }
    };
    stream.on('data', take);
    stream.once('end', () => {
      if (intake && received === PREFIX + length) intake.end();
      else failed(new Refusal('INVALID_ARGUMENT', 'malformed', `the message ends after ${received} bytes.`));
    });
    stream.once('aborted', () => failed(new Error('the client went away')));
    stream.once('close', () => {
      if (!stream.readableEnded) failed(new Error('the client went away'));
    });
  });
}

function succeed(stream: http2.ServerHttp2Stream, message: Buffer): void {
  if (stream.destroyed) return;
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity,gzip,deflate' },
    { waitForTrailers: true },
  );
  stream.end(Buffer.concat([prefix, message]));
}

function fail({ ingest, warn }: Options, stream: http2.ServerHttp2Stream, error: unknown): void {
  const refusal = asRefusal(error, warn);
  ingest.counters.count('refused', refusal.reason);
  const code = refusal.code === 'INTERNAL' ? CODES.UNAVAILABLE.grpc : CODES[refusal.code].grpc;
  refuseCall(stream, code, refusal.message, statusBytes(refusal));
}

/** Ends a call with a status; what is left of its message is thrown away. @param details A google.rpc.Status. */
export function refuseCall(stream: http2.ServerHttp2Stream, code: number, message: string, details?: Buffer): void {
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(code),
      'grpc-message': percentEncoded(message.slice(0, LONGEST_MESSAGE)),
      'grpc-accept-encoding': 'identity,gzip,deflate',
      ...(details && { 'grpc-status-details-bin': details.toString('base64').replace(/=+$/, '') }),
    },
    { endStream: true },
  );
  stream.resume();
}

// Clients take headers of 8 KiB in all.
const LONGEST_MESSAGE = 1_000;

/** Every byte of its UTF-8 but those of printable ASCII, and `%`, as `%XX`. */
function percentEncoded(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]+/g, (part) => {
    const hex = Buffer.from(part).toString('hex').toUpperCase();
    return hex.replace(/../g, '%$&');
  });
}
