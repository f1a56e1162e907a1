// The traces that the bench sends: as a shop with ten services has them, the same every time but for their times.
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { seededRandom } from '@project-beacon/testkit/random.ts';

export const SPANS_A_TRACE = 8;
const TRACES_A_REQUEST = 60;
const HOUR_MS = 3_600_000;

const SERVICES = [
  'gateway',
  'auth',
  'cart',
  'catalog',
  'pricing',
  'payment',
  'shipping',
  'email',
  'search',
  'inference',
];

/** `time`: as a live system sends them, sped up; `random`: as an import or a backfill does; `live`: they have just ended. */
export type Order = 'time' | 'random' | 'live';

/** One request of some 500 spans. */
export interface Request {
  body: Buffer;
  traceIds: string[];
  /** Spans in it. */
  count: number;
}

/**
 * Traces of the hour before `end`, 4 to 12 spans each: 7 attributes a span, of which `tenant` has 50 values, `user.id`
 * 20,000, and `rare` is on one span of 4,000 traces; every 50th span fails.
 *
 * Those of `live` have ids of their own.
 */
export function* traffic(traces: number, order: Order, end = Date.now()): Generator<Request> {
  const random = seededRandom(order === 'live' ? 43 : 42);
  const hex = (bytes: number) =>
    Array.from({ length: bytes }, () => (random() * 256) | 0)
      .map(twoDigits)
      .join('');
  for (let from = 0; from < traces; from += TRACES_A_REQUEST) {
    const byService = new Map<string, object[]>();
    const traceIds: string[] = [];
    for (let t = from; t < Math.min(traces, from + TRACES_A_REQUEST); t++) {
      const traceId = hex(16);
      traceIds.push(traceId);
      const place = order === 'random' ? random() : t / traces;
      const spread = random() * 1_500;
      const start = order === 'live' ? Date.now() - 500 - spread : end - HOUR_MS + place * (HOUR_MS - 10_000) + spread;
      let parent: string | undefined;
      let offset = 0;
      for (let i = 0, count = SPANS_A_TRACE - 4 + Math.floor(random() * 9); i < count; i++) {
        const service = i === 0 ? 'gateway' : SERVICES[Math.floor(random() * SERVICES.length)]!;
        const spanId = hex(8);
        const failed = random() < 0.02;
        const startNs = BigInt(Math.round((start + offset) * 1_000)) * 1_000n;
        const attributes = {
          'http.request.method': random() < 0.5 ? 'GET' : 'POST',
          'http.route': `/r/${Math.floor(random() * 30)}`,
          'http.response.status_code': failed ? 500 : 200,
          'server.address': service,
          'user.id': `u${Math.floor(random() * 20_000)}`,
          tenant: `t${Math.floor(random() * 50)}`,
          'network.peer.port': 8_000 + i,
          ...(t % 4_000 === 7 && i === 1 ? { rare: 'needle' } : {}),
        };
        const span = {
          traceId,
          spanId,
          ...(parent ? { parentSpanId: parent } : {}),
          name: `op-${Math.floor(random() * 12)}`,
          kind: 1 + (i % 3),
          startTimeUnixNano: `${startNs}`,
          endTimeUnixNano: `${startNs + BigInt(Math.round(Math.exp(random() * 6) * 1e6))}`,
          attributes: Object.entries(attributes).map(([key, value]) => ({
            key,
            value: typeof value === 'number' ? { intValue: value } : { stringValue: value },
          })),
          status: failed ? { code: 2, message: 'boom' } : {},
        };
        const list = byService.get(service);
        if (list) list.push(span);
        else byService.set(service, [span]);
        parent = spanId;
        offset += random() * 5;
      }
    }
    const resourceSpans = [...byService].map(([service, spans]) => ({
      resource: {
        attributes: [text('service.name', service), text('service.version', '1.2.3'), text('host.name', 'h1')],
      },
      scopeSpans: [{ scope: { name: 'bench' }, spans }],
    }));
    const count = [...byService.values()].reduce((sum, spans) => sum + spans.length, 0);
    yield { body: encodeMessage(TRACES, { resourceSpans }).bytes, traceIds, count };
  }
}

/** One trace of so many spans, ten below each, in requests of 5,000. */
export function* largeTrace(traceId: string, spans: number, end: number): Generator<Request> {
  const idOf = (n: number) => (n + 1).toString(16).padStart(16, '0');
  for (let from = 0; from < spans; from += 5_000) {
    const some = Array.from({ length: Math.min(5_000, spans - from) }, (_, i) => {
      const n = from + i;
      const startNs = BigInt(Math.round((end - 60_000 + n / 4) * 1_000)) * 1_000n;
      return {
        traceId,
        spanId: idOf(n),
        ...(n > 0 ? { parentSpanId: idOf(Math.floor((n - 1) / 10)) } : {}),
        name: `op-${n % 12}`,
        kind: 1 + (n % 3),
        startTimeUnixNano: `${startNs}`,
        endTimeUnixNano: `${startNs + 20_000_000_000n}`,
        attributes: [text('http.route', `/r/${n % 30}`)],
      };
    });
    const resource = { attributes: [text('service.name', 'batch')] };
    const resourceSpans = [{ resource, scopeSpans: [{ scope: { name: 'bench' }, spans: some }] }];
    yield { body: encodeMessage(TRACES, { resourceSpans }).bytes, traceIds: [traceId], count: some.length };
  }
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}

function twoDigits(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
