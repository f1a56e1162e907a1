// A span as the text of its columns. This file is most of what tracing costs an application, so it has a fast path for
// ordinary values, and leaves it for `repair.ts` at the first sign of an unusual one.

import { COLUMN_BYTES, COLUMNS } from './columns.ts';
import type { Redactor } from './redact/redactor.ts';
import { MAX_MESSAGE, MAX_VALUE, Repairs, repairedKey, repairedText, repairedValue } from './repair.ts';
import type { EncodedResource, ResourceRow, SpanEvent, SpanLink, SpanRow, Time } from './row.ts';

/** What the summary of a trace takes from a span, as the span's row has it. */
export interface SpanFacts {
  traceId: string;
  /** 16 hexadecimal digits; only a root's is asked for. */
  spanId: string;
  isRoot: boolean;
  service: string;
  operation: string;
  status: string;
  /** Texts of one format, which sort as the times do. */
  startedAt: string;
  completedAt: string | null;
  executionId: string | null;
  executionKey: string | null;
  jobId: string | null;
}

export interface EncodedRow {
  /** A line of COPY's text format, without its end. */
  line: string;
  facts: SpanFacts;
  /** 1 when something had to be replaced or cut. */
  repaired: 0 | 1;
  /** Values taken out as secrets. */
  redacted: number;
}

const NULL = '\\N';
// Filled anew for each row: encoding is not interrupted between its first field and the join.
const fields: string[] = COLUMNS.map(() => NULL);
let redactor: Redactor;
let redacted = 0;
const countOne = () => {
  redacted++;
};

/**
 * Encodes a row for COPY, without its secrets; `decodeLine` is the way back. Never throws on values it can repair.
 */
export function encodeRow(row: SpanRow, by: Redactor): EncodedRow {
  redactor = by;
  redacted = 0;
  const repairs = holder();
  const startedAt = timestamp(row.start);
  const completedAt = row.end === null ? null : timestamp(row.end);
  const service = key(row.service, 'service', COLUMN_BYTES.service, repairs);
  const operation = key(row.operation, 'operation', COLUMN_BYTES.operation, repairs);
  const jobId = optionalKey(row.jobId, 'job_id', COLUMN_BYTES.jobId, repairs);
  const executionKey = optionalKey(row.executionKey, 'execution_key', COLUMN_BYTES.executionKey, repairs);
  fields[0] = row.traceId;
  fields[1] = `\\\\x${row.spanId}`;
  fields[2] = row.parentSpanId === null ? NULL : `\\\\x${row.parentSpanId}`;
  fields[3] = escaped(service);
  fields[4] = escaped(operation);
  fields[5] = row.kind;
  fields[6] = row.status;
  fields[7] = startedAt;
  fields[8] = completedAt ?? NULL;
  fields[9] = row.end === null ? NULL : milliseconds(row.start, row.end);
  fields[10] = row.executionId ?? NULL;
  fields[11] = jobId === null ? NULL : escaped(jobId);
  fields[12] = row.modelId === null ? NULL : escaped(key(row.modelId, 'model_id', COLUMN_BYTES.modelId, repairs));
  fields[13] = row.region === null ? NULL : escaped(key(row.region, 'region', COLUMN_BYTES.region, repairs));
  fields[14] =
    row.errorType === null ? NULL : escaped(key(row.errorType, 'error_type', COLUMN_BYTES.errorType, repairs));
  fields[15] = row.errorMessage === null ? NULL : escaped(text(row.errorMessage, 'error_message', repairs));
  fields[16] = escapedJson(json(row.attributes, 'metadata', repairs));
  fields[17] = isEmpty(row.events) ? NULL : escapedJson(json(row.events!.map(eventOf), 'events', repairs));
  fields[18] = isEmpty(row.links) ? NULL : escapedJson(json(row.links!.map(linkOf), 'links', repairs));
  fields[19] = row.traceState === null ? NULL : escaped(text(row.traceState, 'trace_state', repairs));
  fields[21] = row.tracerId ?? NULL;
  fields[22] = row.resource === null ? NULL : row.resource.id;
  fields[23] = row.flags === null ? NULL : `${row.flags}`;
  fields[24] = `${normal(row.start)[1] % 1_000}`;
  fields[25] = executionKey === null ? NULL : escaped(executionKey);
  // Last, because every other field may have had to be repaired.
  fields[20] = row.otel === null && repairs.made === undefined && redacted === 0 ? NULL : otel(row, repairs);
  return {
    line: fields.join('\t'),
    facts: {
      traceId: row.traceId,
      spanId: row.spanId,
      isRoot: row.parentSpanId === null,
      service,
      operation,
      status: row.status,
      startedAt,
      completedAt,
      executionId: row.executionId,
      executionKey,
      jobId,
    },
    repaired: repairs.made === undefined || repairs.made.count === 0 ? 0 : 1,
    redacted,
  };
}

/** Texts of the columns of a line, null for SQL null. */
export function decodeLine(line: string): (string | null)[] {
  return line.split('\t').map((field) => {
    if (field === NULL) return null;
    return field.includes('\\') ? field.replace(/\\(.)/g, (_, char: string) => UNESCAPES[char] ?? char) : field;
  });
}

/** The facts of a row from the texts of its columns. */
export function factsOf(texts: readonly (string | null)[]): SpanFacts {
  return {
    traceId: texts[0]!,
    spanId: texts[1]!.slice(2),
    isRoot: texts[2] === null,
    service: texts[3]!,
    operation: texts[4]!,
    status: texts[6]!,
    startedAt: texts[7]!,
    completedAt: texts[8]!,
    executionId: texts[10]!,
    executionKey: texts[25]!,
    jobId: texts[11]!,
  };
}

// What has a meaning of its own in COPY's text format.
const SPECIAL = /[\\\n\r\t]/;
const SPECIALS = /[\\\n\r\t]/g;
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

function escaped(value: string): string {
  return redactor.cleanNames.has(value) || !SPECIAL.test(value)
    ? value
    : value.replace(SPECIALS, (char) => ESCAPES[char]!);
}

/** JSON text has no line ends or tabs of its own: they are escaped in it already. */
function escapedJson(encoded: string): string {
  return encoded.includes('\\') ? encoded.replaceAll('\\', '\\\\') : encoded;
}

function isEmpty(list: readonly unknown[] | null): boolean {
  return list === null || list.length === 0;
}

/** A resource as JSON that jsonb takes, without its secrets, and how many there were. */
export function encodeResource(row: ResourceRow, by: Redactor): { resource: EncodedResource; redacted: number } {
  redactor = by;
  redacted = 0;
  const resource = {
    id: row.id,
    attributesJson: json(row.attributes, 'resource', holder()),
    scopeName: row.scopeName === null ? null : redactor.ofText(row.scopeName),
    scopeVersion: row.scopeVersion === null ? null : redactor.ofText(row.scopeVersion),
    otelJson: row.otel === null ? null : json(row.otel, 'otel', holder()),
  };
  return { resource, redacted };
}

/** ISO text of a time, microseconds; PostgreSQL reads it whatever its DateStyle. */
function timestamp(time: Time): string {
  const [seconds, nanos] = normal(time);
  const micros = Math.trunc(nanos / 1_000);
  return `${secondText(seconds)}.${THREE[Math.trunc(micros / 1_000)]}${THREE[micros % 1_000]}+00`;
}

type Holder = { made: Repairs | undefined };

function holder(): Holder {
  return { made: undefined };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 is what is looked for.
const UNUSUAL = /[\u0000\ud800-\udfff]/;

function key(value: string, where: string, bytes: number, repairs: Holder): string {
  // The usual names are few: remembering that they are clean is cheaper than looking again.
  const { cleanNames } = redactor;
  if (cleanNames.has(value)) return value;
  const clean = redactor.ofText(value);
  if (clean !== value) {
    redacted++;
    return repairedWhen(repairs, (made) => repairedKey(clean, where, made, bytes));
  }
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (value.length * 3 <= bytes && !UNUSUAL.test(value)) {
    // Names made from ids would fill it: it starts again then.
    if (cleanNames.size >= 2_000) cleanNames.clear();
    if (value.length * 3 <= COLUMN_BYTES.region && !SPECIAL.test(value)) cleanNames.add(value);
    return value;
  }
  return repairedWhen(repairs, (made) => repairedKey(value, where, made, bytes));
}

function optionalKey(value: string | null, where: string, bytes: number, repairs: Holder): string | null {
  return value === null ? null : key(value, where, bytes, repairs);
}

function text(original: string, where: string, repairs: Holder): string {
  const value = redactor.ofText(original);
  if (value !== original) redacted++;
  if (value.length <= MAX_MESSAGE && !UNUSUAL.test(value)) return value;
  return repairedWhen(repairs, (made) => repairedText(value, where, made, MAX_MESSAGE));
}

function json(value: object, where: string, repairs: Holder): string {
  if (isOrdinary(value)) {
    const encoded = JSON.stringify(value);
    if (!encoded.includes('\\') || !UNUSUAL_ESCAPE.test(encoded)) {
      if (redactor.content && !redactor.isSuspicious(encoded)) return encoded;
      const clean = redactor.ofValue(value, countOne);
      return clean === value ? encoded : JSON.stringify(clean);
    }
  }
  return repairedWhen(repairs, (made) => {
    made.isSecret = isSecretBytes;
    return JSON.stringify(redactor.ofValue(repairedValue(value, where, made), countOne));
  });
}

// JSON.stringify escapes U+0000 and lone surrogates; jsonb refuses both escapes.
const UNUSUAL_ESCAPE = /\\u(0000|d[89a-f])/;

let nodes = 0;
let chars = 0;

/** Whether JSON.stringify keeps all of it: neither NaN, BigInt, cycles nor bytes, and no value of unusual length. */
function isOrdinary(value: object): boolean {
  nodes = 0;
  chars = 0;
  try {
    return isOrdinaryItem(value, 0);
  } catch {
    // A getter threw.
    return false;
  }
}

function isOrdinaryItem(item: unknown, depth: number): boolean {
  switch (typeof item) {
    case 'string':
      chars += item.length;
      return item.length <= MAX_VALUE;
    case 'number':
      return Number.isFinite(item);
    case 'boolean':
      return true;
    case 'object':
      if (item === null) return true;
      if (depth >= 8 || ++nodes > 2_000) return false;
      if (Array.isArray(item)) {
        return item.length <= 2_000 && item.every((one) => isOrdinaryItem(one, depth + 1));
      }
      return isPlain(item) && hasOrdinaryValues(item as Record<string, unknown>, depth + 1);
    default:
      return false;
  }
}

function hasOrdinaryValues(object: Record<string, unknown>, depth: number): boolean {
  for (const name in object) {
    if (name.length > 1_024 || !isOrdinaryItem(object[name], depth)) return false;
  }
  return chars <= 1_000_000;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value);
}

function isSecretBytes(bytes: Uint8Array): boolean {
  const isSecret = redactor.ofBytes(bytes);
  if (isSecret) redacted++;
  return isSecret;
}

function repairedWhen<T>(repairs: Holder, how: (made: Repairs) => T): T {
  repairs.made ??= new Repairs();
  return how(repairs.made);
}

function otel(row: SpanRow, repairs: Holder): string {
  const own = row.otel === null ? '{}' : json(row.otel, 'otel', repairs);
  const parts = own === '{}' ? [] : [own.slice(1, -1)];
  if (redacted > 0) parts.push(`"redacted":${redacted}`);
  if (repairs.made !== undefined && repairs.made.count > 0) {
    parts.push(`"repairs":${JSON.stringify(repairs.made.words)}`);
  }
  return parts.length === 0 ? NULL : escapedJson(`{${parts.join()}}`);
}

function eventOf(event: SpanEvent): object {
  const time = nanosecondText(event.time);
  return event.attributes === undefined
    ? { name: event.name, time }
    : { name: event.name, time, attributes: event.attributes };
}

function linkOf(link: SpanLink): object {
  return {
    trace_id: link.traceId,
    span_id: link.spanId,
    ...(link.traceState ? { trace_state: link.traceState } : {}),
    ...(link.attributes === undefined ? {} : { attributes: link.attributes }),
  };
}

const THREE = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, '0'));
const NANOS = 1_000_000_000;

/** Nanoseconds in [0, 10^9): rounding leaves 10^9 there now and then, and applications set what they like. */
function normal(time: Time): Time {
  const nanos = time[1];
  if (nanos >= 0 && nanos < NANOS && Number.isInteger(nanos) && Number.isInteger(time[0])) return time;
  const whole = Math.trunc(time[0]);
  const rest = Math.round((time[0] - whole) * NANOS + nanos);
  const carry = Math.floor(rest / NANOS);
  return [whole + carry, rest - carry * NANOS];
}

let lastSecond = Number.NaN;
let lastSecondText = '';

function secondText(seconds: number): string {
  if (seconds === lastSecond) return lastSecondText;
  lastSecondText = new Date(seconds * 1_000).toISOString().slice(0, -5);
  lastSecond = seconds;
  return lastSecondText;
}

function nanosecondText(time: Time): string {
  const [seconds, nanos] = normal(time);
  const micros = Math.trunc(nanos / 1_000);
  return `${seconds}${THREE[Math.trunc(micros / 1_000)]}${THREE[micros % 1_000]}${THREE[nanos % 1_000]}`;
}

/** Written digit by digit: printing a fraction as a JavaScript number costs more than all the rest of the row's times. */
function milliseconds(start: Time, end: Time): string {
  const nanos = (end[0] - start[0]) * NANOS + (end[1] - start[1]);
  if (!(nanos >= 0 && nanos < 9e15)) return `${nanos / 1e6}`;
  const whole = Math.trunc(nanos / 1_000_000);
  const rest = nanos - whole * 1_000_000;
  return `${whole}.${THREE[Math.trunc(rest / 1_000)]}${THREE[Math.trunc(rest % 1_000)]}`;
}
