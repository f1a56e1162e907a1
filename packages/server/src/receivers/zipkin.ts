// Zipkin v2 JSON as OTLP: enough for clients that speak nothing else.
import { encodeMessage } from '../otlp/encode.ts';
import { TRACES } from '../otlp/messages.ts';
import { MalformedError } from '../otlp/wire.ts';

interface ZipkinSpan {
  traceId?: string;
  id?: string;
  parentId?: string;
  name?: string;
  kind?: string;
  timestamp?: number;
  duration?: number;
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
export function fromZipkin(text: string): Buffer {
  let spans: unknown;
  try {
    spans = JSON.parse(text);
  } catch (error) {
    throw new MalformedError(`the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!Array.isArray(spans) || spans.some((span) => span === null || typeof span !== 'object')) {
    throw new MalformedError('Zipkin v2 sends an array of spans');
  }
  const services = Map.groupBy(spans as ZipkinSpan[], (span) => String(span?.localEndpoint?.serviceName ?? ''));
  const resourceSpans = [...services].map(([service, of]) => ({
    resource: { attributes: service === '' ? [] : [attribute('service.name', service)] },
    scopeSpans: [{ scope: { name: 'zipkin' }, spans: of.map(spanOf) }],
  }));
  return encodeMessage(TRACES, { resourceSpans }).bytes;
}

function spanOf(span: ZipkinSpan): object {
  const started = micros(span.timestamp);
  const { remoteEndpoint: remote } = span;
  const tags = span.tags ?? {};
  const attributes = Object.entries(tags).map(([key, value]) => attribute(key, String(value)));
  const peer = remote?.serviceName;
  if (peer !== undefined && tags['peer.service'] === undefined)
    attributes.push(attribute('peer.service', String(peer)));
  const address = remote?.ipv4 ?? remote?.ipv6;
  if (address !== undefined) attributes.push(attribute('network.peer.address', String(address)));
  const failed = tags.error !== undefined;
  return {
    // Zipkin's 64-bit trace ids are the lower half.
    traceId: hex(span.traceId).padStart(32, '0'),
    spanId: hex(span.id).padStart(16, '0'),
    parentSpanId: span.parentId === undefined ? '' : hex(span.parentId).padStart(16, '0'),
    name: String(span.name ?? ''),
    kind: KINDS[String(span.kind)] ?? 1,
    startTimeUnixNano: `${started * 1_000n}`,
    endTimeUnixNano: `${(started + micros(span.duration)) * 1_000n}`,
    attributes,
    events: (Array.isArray(span.annotations) ? span.annotations : []).map((each) => ({
      timeUnixNano: `${micros(each?.timestamp) * 1_000n}`,
      name: String(each?.value ?? ''),
    })),
    status: failed ? { code: 2, message: tags.error === 'true' ? '' : String(tags.error) } : {},
  };
}

function hex(id: unknown): string {
  return typeof id === 'string' && /^[0-9a-f]{1,32}$/i.test(id) ? id : '';
}

function micros(time: unknown): bigint {
  return typeof time === 'number' && Number.isFinite(time) && time > 0 && time < 1e15 * 18
    ? BigInt(Math.trunc(time))
    : 0n;
}

function attribute(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}
