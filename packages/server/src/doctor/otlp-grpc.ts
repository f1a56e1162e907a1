// One span over OTLP/gRPC: HTTP/2 and a message of a few fields, so no gRPC library is loaded for it.
import { randomBytes } from 'node:crypto';
import * as http2 from 'node:http2';

/** What became of a span that was sent. */
export interface OtlpAnswer {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** As HTTP has it, over gRPC too; undefined without an answer. */
  status: number | undefined;
  /** It was a page, not an answer of OTLP. */
  isForeign?: boolean;
  /** Why the span was refused in an answer that accepts the request. */
  rejected?: string;
  /** The answer, or the error's code. */
  text: string;
  tookMs: number;
}

const WITHIN_MS = 4_000;
const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
// By gRPC's codes: UNIMPLEMENTED is a wrong path, UNAUTHENTICATED and PERMISSION_DENIED are about the token.
const AS_HTTP: Record<string, number> = { '0': 200, '7': 403, '12': 404, '16': 401 };

/** Sends it and waits for gRPC's status. Never rejects. */
export function sendGrpc(url: string, headers: Record<string, string>, traceId: string): Promise<OtlpAnswer> {
  const began = performance.now();
  return new Promise((resolve) => {
    const session = http2.connect(new URL(url).origin);
    const done = (status: number | undefined, text: string) => {
      clearTimeout(limit);
      session.destroy();
      resolve({ traceId, status, text: text.slice(0, 200), tookMs: performance.now() - began });
    };
    const limit = setTimeout(() => done(undefined, 'no answer in time'), WITHIN_MS);
    const failed = (error: Error & { code?: string }) => done(undefined, error.code ?? error.message);
    session.on('error', failed);
    const stream = session.request({
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status: string | undefined;
    let message = '';
    const heed = (fields: http2.IncomingHttpHeaders) => {
      status = (fields['grpc-status'] as string | undefined) ?? status;
      message = (fields['grpc-message'] as string | undefined) ?? message;
    };
    stream.on('response', heed);
    stream.on('trailers', heed);
    stream.on('error', failed);
    stream.on('close', () => {
      if (status === undefined) done(undefined, 'the connection was closed without a gRPC status');
      else done(AS_HTTP[status] ?? 500, `gRPC status ${status} ${decodeURIComponent(message)}`.trim());
    });
    const body = request(traceId);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(body.length, 1);
    stream.resume().end(Buffer.concat([prefix, body]));
  });
}

/** ExportTraceServiceRequest with one span; field numbers of opentelemetry-proto. */
function request(traceId: string): Buffer {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = Buffer.concat([
    bytes(1, Buffer.from(traceId, 'hex')),
    bytes(2, randomBytes(8)),
    bytes(5, 'beacon.probe'),
    Buffer.from([6 << 3, 1]),
    fixed64(7, now),
    fixed64(8, now + 1_000n),
  ]);
  const attribute = Buffer.concat([bytes(1, 'service.name'), bytes(2, bytes(1, 'beacon doctor'))]);
  const scopeSpans = Buffer.concat([bytes(1, bytes(1, 'beacon doctor')), bytes(2, span)]);
  return bytes(1, Buffer.concat([bytes(1, bytes(1, attribute)), bytes(2, scopeSpans)]));
}

/** A length-delimited field; everything here is shorter than 16,384 bytes. */
function bytes(field: number, content: Buffer | string): Buffer {
  const data = Buffer.from(content as string);
  const length = data.length < 128 ? [data.length] : [(data.length & 127) | 128, data.length >> 7];
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), data]);
}

function fixed64(field: number, value: bigint): Buffer {
  const data = Buffer.alloc(9);
  data[0] = (field << 3) | 1;
  data.writeBigUInt64LE(value, 1);
  return data;
}
