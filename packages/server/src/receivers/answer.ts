// What a client gets back, in the encoding it spoke.
import { encodeMessage } from '../otlp/encode.ts';
import { RESPONSE, RETRY_INFO, RPC_STATUS } from '../otlp/messages.ts';

/** Codes of gRPC, with the HTTP status OTLP/HTTP has for them. */
export const CODES = {
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  NOT_FOUND: { grpc: 5, http: 404 },
  PAYLOAD_TOO_LARGE: { grpc: 8, http: 413 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  UNIMPLEMENTED: { grpc: 12, http: 404 },
  TIMEOUT: { grpc: 4, http: 408 },
  FORBIDDEN: { grpc: 7, http: 403 },
  METHOD_NOT_ALLOWED: { grpc: 12, http: 405 },
  UNSUPPORTED_MEDIA_TYPE: { grpc: 3, http: 415 },
  INTERNAL: { grpc: 13, http: 503 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
} as const;

/** A request that is refused as a whole. */
export class Refusal extends Error {
  readonly code: keyof typeof CODES;
  /** The same request may be sent again after so many milliseconds; undefined when it would be refused again. */
  readonly retryAfterMs: number | undefined;
  /** A few words of one kind, to be counted by. */
  readonly reason: string;

  constructor(code: keyof typeof CODES, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

const EMPTY = Buffer.alloc(0);

/**
 * An ExportTraceServiceResponse or an ExportLogsServiceResponse.
 *
 * @param counted What the signal calls the number of what was not stored.
 */
export function acceptedJson(
  rejected: number,
  message: string,
  counted: 'rejectedSpans' | 'rejectedLogRecords' = 'rejectedSpans',
): string {
  return rejected === 0 && message === ''
    ? '{}'
    : JSON.stringify({ partialSuccess: { [counted]: String(rejected), errorMessage: message } });
}

/** The same as protobuf; the fields of both signals have the same numbers. */
export function acceptedBytes(rejected: number, message: string): Buffer {
  if (rejected === 0 && message === '') return EMPTY;
  return encodeMessage(RESPONSE, { partialSuccess: { rejectedSpans: rejected, errorMessage: message } }).bytes;
}

/** A google.rpc.Status, with RetryInfo where the request may be sent again. */
export function statusJson({ code, message, retryAfterMs }: Refusal): string {
  const details =
    retryAfterMs === undefined ? [] : [{ '@type': RETRY_TYPE, retryDelay: `${Math.ceil(retryAfterMs / 1_000)}s` }];
  return JSON.stringify({ code: CODES[code].grpc, message, ...(details.length > 0 ? { details } : {}) });
}

export function statusBytes({ code, message, retryAfterMs }: Refusal): Buffer {
  const details =
    retryAfterMs === undefined ? [] : [{ typeUrl: RETRY_TYPE, value: retryInfo(retryAfterMs).toString('base64') }];
  return encodeMessage(RPC_STATUS, { code: CODES[code].grpc, message: message.toWellFormed(), details }).bytes;
}

const RETRY_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

function retryInfo(ms: number): Buffer {
  const retryDelay = { seconds: Math.trunc(ms / 1_000), nanos: (Math.ceil(ms) % 1_000) * 1_000_000 };
  return encodeMessage(RETRY_INFO, { retryDelay }).bytes;
}
