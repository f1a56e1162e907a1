// Zipkin v2 JSON as OTLP: enough for clients that speak nothing else.
import { type EncodedMessage, encodeMessage } from '../otlp/encode.ts';
import { arrayParts } from '../otlp/json-parts.ts';
import { TRACES } from '../otlp/messages.ts';
import { MalformedError } from '../otlp/wire.ts';

interface ZipkinSpan {
  traceId?: string;
  id?: string;
  parentId?: string;
  name?: string;
  kind?: string;
  /** Microseconds; some clients send them as text. */
  timestamp?: number | string;
  duration?: number | string;
  shared?: boolean;
  localEndpoint?: { serviceName?: string };
  remoteEndpoint?: { serviceName?: string; ipv4?: string; ipv6?: string; port?: number };
  annotations?: { timestamp?: number; value?: string }[];
  tags?: Record<string, string>;
}

const KINDS: Record<string, number> = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 };

/**
 * An ExportTraceServiceRequest of a Zipkin v2 body.
 *
 * @throws MalformedError when it is no array of spans.
 */
export function fromZipkin(text: string): EncodedMessage {
  let spans: unknown;
  try {
    spans = JSON.parse(text);
  } catch (error) {
    throw new MalformedError(`the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!Array.isArray(spans) || spans.some((span) => span === null || typeof span !== 'object')) {
    throw new MalformedError('Zipkin v2 sends an array of spans');
  }
  const unreadable: string[] = [];
  const services = new Map<string, object[]>();
  for (const span of spans as ZipkinSpan[]) {
    const objection = objectionTo(span);
    if (objection !== undefined) {
      unreadable.push(`span ${shown(span.id)} ${shown(span.name)}: ${objection}`);
      continue;
    }
    const service = String(span.localEndpoint?.serviceName ?? '');
    const of = services.get(service);
    if (of) of.push(spanOf(span));
    else services.set(service, [spanOf(span)]);
  }
  const resourceSpans = [...services].map(([service, of]) => ({
    resource: { attributes: service === '' ? [] : [attribute('service.name', service)] },
    scopeSpans: [{ scope: { name: 'zipkin' }, spans: of }],
  }));
  const made = encodeMessage(TRACES, { resourceSpans });
  made.unreadable.push(...unreadable);
  return made;
}

/** A large body, part by part. */
export function* zipkinParts(body: Buffer): Generator<EncodedMessage, void> {
  for (const items of arrayParts(body)) yield fromZipkin(`[${items.join()}]`);
}

/** Why a span cannot be stored. */
function objectionTo({ traceId, id, parentId, timestamp, duration }: ZipkinSpan): string | undefined {
  if (!isId(traceId, 32))
    return `its traceId is ${shown(traceId)}, not up to 32 hexadecimal digits with one that is not 0`;
  if (!isId(id, 16)) return `its id is ${shown(id)}, not up to 16 hexadecimal digits with one that is not 0`;
  if (
    parentId !== undefined &&
    parentId !== null &&
    !(typeof parentId === 'string' && /^[0-9a-f]{1,16}$/i.test(parentId))
  ) {
    return `its parentId is ${shown(parentId)}, not up to 16 hexadecimal digits`;
  }
  if (timestamp !== undefined && timestamp !== null && micros(timestamp) === undefined) {
    return `its timestamp is ${shown(timestamp)}, not a number of microseconds since 1970`;
  }
  if (duration !== undefined && duration !== null && Number(duration) !== 0 && micros(duration) === undefined) {
    return `its duration is ${shown(duration)}, not a number of microseconds`;
  }
  return undefined;
}

function isId(id: unknown, digits: number): id is string {
  return typeof id === 'string' && id.length <= digits && /^[0-9a-f]+$/i.test(id) && /[^0]/.test(id);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? '(missing)').slice(0, 100);
}

function spanOf(span: ZipkinSpan): object {
  const { remoteEndpoint: remote } = span;
  const tags = span.tags !== null && typeof span.tags === 'object' ? span.tags : {};
  const attributes = Object.entries(tags).map(([key, value]) => attribute(key, String(value)));
  const annotations = Array.isArray(span.annotations) ? span.annotations : [];
  let started = micros(span.timestamp);
  if (started === undefined) {
    // Half of a shared span may come without; it is stored where its annotations are, or where it arrived.
    const times = annotations.flatMap((each) => micros(each?.timestamp) ?? []).sort((a, b) => (a < b ? -1 : 1));
    started = times[0] ?? BigInt(Date.now()) * 1_000n;
    attributes.push(attribute('zipkin.timestamp', times.length > 0 ? 'of the first annotation' : 'of arrival'));
  }
  const peer = remote?.serviceName;
  if (peer !== undefined && tags['peer.service'] === undefined)
    attributes.push(attribute('peer.service', String(peer)));
  const address = remote?.ipv4 ?? remote?.ipv6;
  if (address !== undefined) attributes.push(attribute('network.peer.address', String(address)));
  const failed = tags.error !== undefined;
  return {
    // Zipkin's 64-bit trace ids are the lower half.
    traceId: span.traceId!.padStart(32, '0'),
    spanId: span.id!.padStart(16, '0'),
    parentSpanId: span.parentId === undefined || span.parentId === null ? '' : span.parentId.padStart(16, '0'),
    name: String(span.name ?? ''),
    kind: KINDS[String(span.kind)] ?? 1,
    startTimeUnixNano: `${started * 1_000n}`,
    endTimeUnixNano: `${(started + (micros(span.duration) ?? 0n)) * 1_000n}`,
    attributes,
    events: annotations.map((each) => ({
      timeUnixNano: `${(micros(each?.timestamp) ?? 0n) * 1_000n}`,
      name: String(each?.value ?? ''),
    })),
    status: failed ? { code: 2, message: tags.error === 'true' ? '' : String(tags.error) } : {},
  };
}

/** Undefined for what is no time that OTLP can hold. */
function micros(time: unknown): bigint | undefined {
  if (typeof time === 'string' && /^\d{1,17}$/.test(time)) return time === '0' ? undefined : BigInt(time);
  return typeof time === 'number' && Number.isFinite(time) && time > 0 && time < 18e15
    ? BigInt(Math.trunc(time))
    : undefined;
}

function attribute(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}
