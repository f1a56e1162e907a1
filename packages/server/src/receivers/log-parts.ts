// An ExportLogsServiceRequest record by record: as objects all of it would be many times as large, and hold up everything else.
import { fromJson } from '../otlp/json.ts';
import { jsonParts, OF_LOGS } from '../otlp/json-parts.ts';
import { LOG_RECORD, LOGS, type Message, RESOURCE_LOGS, SCOPE_LOGS } from '../otlp/messages.ts';
import { TooManyError, unpack } from '../otlp/unpack.ts';
import { WireReader } from '../otlp/wire.ts';
import { type Encoding, isSmall } from './encodings.ts';

type Json = Record<string, unknown>;

/** Messages of one record, one resource, one scope. */
const MAX_MESSAGES = 50_000;

export interface Part {
  /** The resource and its URL. */
  resourceLogs: Json;
  /** The scope and its URL. */
  scopeLogs: Json;
  /** Undefined for a record that holds too many values. */
  record: Json | undefined;
}

/** @throws MalformedError when it is no such request; the records before that are whole. */
export function* recordsOf(body: Buffer, encoding: Exclude<Encoding, 'zipkin'>): Generator<Part, void> {
  if (encoding === 'protobuf') yield* recordsIn(body);
  else if (isSmall(body)) yield* recordsIn(fromJson(LOGS, body.toString('utf8')).bytes);
  else for (const { bytes } of jsonParts(body, OF_LOGS)) yield* recordsIn(bytes);
}

function* recordsIn(bytes: Buffer): Generator<Part, void> {
  for (const [from, to] of fieldsOf(bytes, 0, bytes.length, ITEMS_OF_REQUEST)) {
    let resourceLogs: Json | undefined;
    for (const [begin, end] of fieldsOf(bytes, from, to, ITEMS)) {
      let scopeLogs: Json | undefined;
      for (const [start, stop] of fieldsOf(bytes, begin, end, ITEMS)) {
        resourceLogs ??= headOf(RESOURCE_LOGS, bytes, from, to);
        scopeLogs ??= headOf(SCOPE_LOGS, bytes, begin, end);
        yield { resourceLogs, scopeLogs, record: bounded(LOG_RECORD, bytes.subarray(start, stop)) };
      }
    }
  }
}

const ITEMS_OF_REQUEST = 0x0a;
const ITEMS = 0x12;

/** Where the fields with a tag lie in a message. */
function* fieldsOf(bytes: Buffer, from: number, to: number, wanted: number): Generator<[number, number], void> {
  const wire = new WireReader();
  wire.bytes = bytes;
  wire.at = from;
  while (wire.at < to) {
    const tag = wire.varint(to);
    if (tag !== wanted) {
      wire.skip(tag, to);
      continue;
    }
    const end = wire.lengthDelimitedEnd(to);
    yield [wire.at, end];
    wire.at = end;
  }
}

/** The message without its list. */
function headOf(message: Message, bytes: Buffer, from: number, to: number): Json {
  const wire = new WireReader();
  wire.bytes = bytes;
  wire.at = from;
  const parts: Buffer[] = [];
  while (wire.at < to) {
    const begin = wire.at;
    const tag = wire.varint(to);
    wire.skip(tag, to);
    if (tag === 0x0a || tag === 0x1a) parts.push(bytes.subarray(begin, wire.at));
  }
  return bounded(message, Buffer.concat(parts.slice(-16))) ?? {};
}

function bounded(message: Message, bytes: Buffer): Json | undefined {
  try {
    return unpack(message, bytes, MAX_MESSAGES);
  } catch (error) {
    if (error instanceof TooManyError) return undefined;
    throw error;
  }
}
