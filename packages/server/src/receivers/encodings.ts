// A request in any encoding as requests in OTLP's protobuf; a large one as several, so that it is never there as objects.
import type { EncodedMessage } from '../otlp/encode.ts';
import { fromJson } from '../otlp/json.ts';
import { jsonParts } from '../otlp/json-parts.ts';
import { TRACES } from '../otlp/messages.ts';
import { fromZipkin, zipkinParts } from './zipkin.ts';

export type Encoding = 'protobuf' | 'json' | 'zipkin';

/** A body up to so long is decoded in one go. */
const SMALL_BYTES = 512 * 1024;

export function isSmall(body: Buffer): boolean {
  return body.length <= SMALL_BYTES;
}

/** @throws MalformedError where the body is not what the encoding says. */
export function partsOf(body: Buffer, encoding: Encoding): Iterable<EncodedMessage> {
  if (encoding === 'protobuf') return [{ bytes: body, unreadable: [] }];
  if (encoding === 'zipkin') return isSmall(body) ? [fromZipkin(body.toString('utf8'))] : zipkinParts(body);
  return isSmall(body) ? [fromJson(TRACES, body.toString('utf8'))] : jsonParts(body);
}
