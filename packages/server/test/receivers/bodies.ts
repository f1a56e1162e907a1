// Bodies of OTLP put together by hand: those that no exporter sends.
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { type Json, request } from './spans.ts';

export const protobuf = (spans: Json[]) => encodeMessage(TRACES, request(spans)).bytes;

/** A message that holds `inner` so many times in field `number`. */
export function repeated(number: number, inner: Buffer, times: number): Buffer {
  const one = Buffer.concat([Buffer.from([(number << 3) | 2]), varint(inner.length), inner]);
  return Buffer.alloc(one.length * times, one);
}

export function within(number: number, inner: Buffer): Buffer {
  return repeated(number, inner, 1);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Fields of a span that make it one that is stored: trace, id, start. */
export const SPAN_IDS = Buffer.concat([
  within(1, Buffer.alloc(16, 1)),
  within(2, Buffer.alloc(8, 1)),
  Buffer.from([0x39, 0, 0, 0, 0, 0, 0, 0, 1]),
]);

/** A request with one span that holds `fields`. */
export function oneSpan(fields: Buffer): Buffer {
  return within(1, within(2, within(2, Buffer.concat([SPAN_IDS, fields]))));
}
