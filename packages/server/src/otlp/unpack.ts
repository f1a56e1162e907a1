// Protobuf to OTLP/JSON, by the table of messages: for the few attributes that are kept as they came, and for tests.
import type { Field, Message, Scalar } from './messages.ts';
import { WireReader } from './wire.ts';

type Json = Record<string, unknown>;

/**
 * The message as OTLP/JSON has it: 64-bit numbers as text, ids as hexadecimal digits, bytes as base64.
 *
 * @param maxMessages Messages that it may hold, itself counted: each becomes an object.
 * @throws MalformedError when it is not such a message; TooManyError when it holds more.
 */
export function unpack(message: Message, bytes: Buffer, maxMessages = Number.POSITIVE_INFINITY): Json {
  const wire = new Counted();
  wire.bytes = bytes;
  wire.left = maxMessages;
  return messageOf(wire, message, 0, bytes.length);
}

export class TooManyError extends Error {}

class Counted extends WireReader {
  /** Messages that may still be made. */
  left = 0;
}

function messageOf(wire: Counted, message: Message, from: number, to: number): Json {
  if (wire.left-- <= 0) throw new TooManyError('it holds too many values');
  const made: Json = {};
  wire.at = from;
  while (wire.at < to) {
    const tag = wire.varint(to);
    const field = message.byNumber.get(tag >>> 3);
    if (field === undefined || (tag & 7) !== wireType(field.type)) {
      wire.skip(tag, to);
      continue;
    }
    const value = readValue(wire, field, to);
    if (!field.repeated) made[field.name] = value;
    else if (Array.isArray(made[field.name])) (made[field.name] as unknown[]).push(value);
    else made[field.name] = [value];
  }
  return made;
}

function wireType(type: Scalar | Message): number {
  switch (type) {
    case 'bool':
    case 'uint32':
    case 'enum':
    case 'int64':
      return 0;
    case 'fixed64':
    case 'double':
      return 1;
    case 'fixed32':
      return 5;
    default:
      return 2;
  }
}

function readValue(wire: Counted, { type }: Field, to: number): unknown {
  switch (type) {
    case 'bool':
      return wire.int64(to) !== '0';
    case 'uint32':
      return wire.varint(to);
    case 'enum':
      return wire.varint(to) | 0;
    case 'int64':
      return wire.int64(to);
    case 'fixed32':
      return wire.uint32(wire.fixed(4, to));
    case 'fixed64':
      return wire.bytes.readBigUInt64LE(wire.fixed(8, to)).toString();
    case 'double':
      return doubleJson(wire.bytes.readDoubleLE(wire.fixed(8, to)));
    default: {
      const end = wire.lengthDelimitedEnd(to);
      const from = wire.at;
      let value: unknown;
      if (typeof type === 'object') value = messageOf(wire, type, from, end);
      else value = wire.bytes.toString(type === 'id' ? 'hex' : type === 'bytes' ? 'base64' : 'utf8', from, end);
      wire.at = end;
      return value;
    }
  }
}

/** JSON has no literal for NaN and the infinities. */
function doubleJson(value: number): unknown {
  return Number.isFinite(value) ? value : String(value);
}
