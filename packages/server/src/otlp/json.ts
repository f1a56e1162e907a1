// Reading and writing OTLP/JSON: whole numbers keep all their digits.
import { type EncodedMessage, encodeMessage } from './encode.ts';
import type { Message } from './messages.ts';
import { MalformedError } from './wire.ts';

/** Nested deeper than this JSON.parse itself would end the process' stack in what comes after it. */
export function fromJson(message: Message, text: string): EncodedMessage {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new MalformedError(`the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  // Digits are lost only in numbers of 16 and more; asking for the source of every number is slow.
  if (/[:[,\s]-?\d{16,}/.test(text)) json = parseExactly(text);
  try {
    return encodeMessage(message, json);
  } catch (error) {
    if (error instanceof RangeError) throw new MalformedError('the body nests too deep');
    throw error;
  }
}

/** Whole numbers that a JavaScript number cannot hold come as BigInt. */
export function parseExactly(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, revive);
}
