// A trace in the JSON of Tempo: protobuf's own mapping, in which ids are base64 and enums have names. OTLP's, which has ids in
// hexadecimal and enums as numbers, is what GET /api/v1/export gives.
import { SPAN, STATUS } from '../otlp/messages.ts';
import type { TraceData } from '../otlp/read-back.ts';

const IDS = new Set(['traceId', 'spanId', 'parentSpanId']);
const KINDS = byNumber(SPAN.enums);
const CODES = byNumber(STATUS.enums);

/** @returns an object whose first member is `resourceSpans`; the first version of Tempo's API calls it `batches`. */
export function tempoJson(trace: TraceData): string {
  return trace.json((name, value) => {
    // Attributes are lists of {key, value}: no name here is one a sender chose.
    if (IDS.has(name)) return Buffer.from(value as string, 'hex').toString('base64');
    if (name === 'kind') return named(KINDS, value);
    if (name === 'code') return named(CODES, value);
    return value;
  });
}

/** What is zero is not told; a number nobody knows stays one. */
function named(names: Map<number, string>, value: unknown): unknown {
  return value === 0 ? undefined : (names.get(value as number) ?? value);
}

function byNumber(enums: ReadonlyMap<string, number>): Map<number, string> {
  return new Map([...enums].map(([name, number]) => [number, name]));
}
