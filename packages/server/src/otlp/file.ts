// A trace that comes as a file: which format it is, and which traces are in it.
import { BeaconError } from '../store/errors.ts';
import { fromJaeger, isJaeger } from './jaeger.ts';
import { parseExactly } from './json.ts';
import { TRACES } from './messages.ts';
import { unpack } from './unpack.ts';
import { MalformedError } from './wire.ts';

export interface TraceFile {
  /** OTLP's TracesData. */
  bytes: Buffer;
  encoding: 'json' | 'protobuf';
  /** 32 hexadecimal digits each. */
  traceIds: string[];
  spans: number;
}

type Json = Record<string, unknown>;

/**
 * Tells OTLP as JSON, OTLP as protobuf and the JSON of Jaeger apart by what is in them.
 *
 * @throws BeaconError when it is none of them.
 */
export function readTraceFile(body: Buffer): TraceFile {
  const first = body.toString('latin1', 0, 64).trimStart()[0];
  if (first !== '{' && first !== '[') return fromProtobuf(body);
  let json: Json;
  try {
    json = parseExactly(body.toString('utf8')) as Json;
  } catch (error) {
    throw refused(`it is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  // What is wrong inside is found, and said, by the decoder; it reads the bytes as they came.
  if (Array.isArray(json.resourceSpans)) return { bytes: body, encoding: 'json', ...contents(json) };
  // What Tempo gives, by the first version of its API and by the second.
  if (Array.isArray(json.batches)) json = withHexIds({ resourceSpans: json.batches });
  else if (isJson(json.trace)) json = withHexIds(json.trace);
  else if (isJaeger(json)) json = ofJaeger(json);
  if (!Array.isArray(json.resourceSpans)) throw refused('it has neither resourceSpans nor data');
  return { bytes: Buffer.from(exactJson(json)), encoding: 'json', ...contents(json) };
}

function ofJaeger(json: Json): Json {
  try {
    return fromJaeger(json) as unknown as Json;
  } catch (error) {
    throw refused(`its spans are not as Jaeger writes them: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** Tempo writes ids in base64. Of the lengths ids have, none is the length of another in hexadecimal digits. */
function withHexIds(json: Json): Json {
  const hex = (id: unknown, bytes: number) =>
    typeof id === 'string' && id.length === 4 * Math.ceil(bytes / 3) ? Buffer.from(id, 'base64').toString('hex') : id;
  for (const span of spansOf(json)) {
    for (const each of [span, ...list(span.links)]) {
      if ('traceId' in each) each.traceId = hex(each.traceId, 16);
      for (const name of ['spanId', 'parentSpanId']) if (name in each) each[name] = hex(each[name], 8);
    }
  }
  return json;
}

function spansOf(traces: Json): Json[] {
  return list(traces.resourceSpans).flatMap((resource) =>
    list(resource.scopeSpans).flatMap((scope) => list(scope.spans)),
  );
}

function fromProtobuf(body: Buffer): TraceFile {
  if (body.length === 0) throw refused('it is empty');
  try {
    return { bytes: body, encoding: 'protobuf', ...contents(unpack(TRACES, body) as Json) };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw refused(`it is neither JSON nor protobuf: ${error.message}`);
  }
}

function contents(traces: Json): { traceIds: string[]; spans: number } {
  const spans = spansOf(traces);
  const ids = new Set(spans.flatMap(({ traceId }) => (typeof traceId === 'string' ? traceId.toLowerCase() : [])));
  return { traceIds: [...ids], spans: spans.length };
}

/** With whole numbers beyond 2^53 as they were. */
function exactJson(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? rawJSON(String(item)) : item));
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(why: string): BeaconError {
  return new BeaconError(
    'usage',
    `Not a trace file: ${why}.`,
    'Send what GET /api/v1/export gave, OTLP as JSON or protobuf, or the JSON of Jaeger.',
  );
}
