import { randomBytes } from 'node:crypto';

export type Json = Record<string, unknown>;

const MS = 1_000_000n;

/** A span as OTLP/JSON has it, of 12.345678 ms, with what the test wants otherwise. */
export function span(changes: Json = {}): Json {
  const start = BigInt(Date.now()) * MS;
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'charge card',
    kind: 2,
    startTimeUnixNano: `${start}`,
    endTimeUnixNano: `${start + 12_345_678n}`,
    ...changes,
  };
}

/** An ExportTraceServiceRequest of these spans. */
export function request(spans: Json[], resource: Json = {}): Json {
  const attributes = [text('service.name', 'checkout')];
  return {
    resourceSpans: [{ resource: { attributes, ...resource }, scopeSpans: [{ scope: { name: 'shop' }, spans }] }],
  };
}

export function text(key: string, stringValue: string): Json {
  return { key, value: { stringValue } };
}

export function int(key: string, intValue: number | string): Json {
  return { key, value: { intValue } };
}
