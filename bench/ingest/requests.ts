// Requests of spans as services send them, the same every time: request n has the same ids wherever it is made.
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';

const SPANS_OF_A_TRACE = 8;
const PLACEHOLDER = 'a5';

export type Encoding = 'protobuf' | 'json';

/** Makes requests of `spans` spans by writing new ids into a template. */
export class Requests {
  readonly #template: Buffer;
  readonly #encoding: Encoding;
  /** Where ids are: trace, span and parent id of each span. */
  readonly #places: number[];
  readonly #spans: number;

  constructor(encoding: Encoding, spans: number, at: number) {
    const json = template(spans, at);
    this.#encoding = encoding;
    this.#spans = spans;
    this.#template = encoding === 'json' ? Buffer.from(JSON.stringify(json)) : encodeMessage(TRACES, json).bytes;
    this.#places = placesOf(this.#template, encoding);
  }

  /** The n-th request, in a buffer of its own. */
  make(n: number): Buffer {
    const body = Buffer.from(this.#template);
    const ids = Buffer.alloc(16);
    let place = 0;
    const put = (hi: number, lo: number, bytes: number) => {
      ids.writeUInt32LE(Math.imul(hi, 0x9e3779b1) >>> 0, 0);
      ids.writeUInt32LE(Math.imul(lo ^ (hi << 7), 0x85ebca6b) >>> 0, 4);
      ids.writeUInt32LE(hi + 1, 8);
      ids.writeUInt32LE(lo + 1, 12);
      const at = this.#places[place++]!;
      // The last bytes tell all ids apart, the others scatter them over the index as random ones would.
      if (bytes === 8) ids.writeUInt32LE(((n << 10) | (lo & 1_023)) >>> 0, 0);
      if (this.#encoding === 'json') body.write(ids.toString('hex', 0, bytes), at, 'latin1');
      else ids.copy(body, at, 0, bytes);
    };
    for (let i = 0; i < this.#spans; i++) {
      put(n, Math.trunc(i / SPANS_OF_A_TRACE) + 100_000, 16);
      put(n, i + 1, 8);
      if (i % SPANS_OF_A_TRACE !== 0) put(n, i, 8);
    }
    return body;
  }
}

function placesOf(template: Buffer, encoding: Encoding): number[] {
  const mark = encoding === 'json' ? Buffer.from(PLACEHOLDER.repeat(8)) : Buffer.from(PLACEHOLDER.repeat(8), 'hex');
  const places: number[] = [];
  for (let at = template.indexOf(mark); at >= 0; at = template.indexOf(mark, at)) {
    places.push(at);
    // A trace id is twice as long as the mark.
    const isTrace = template.subarray(at + mark.length, at + 2 * mark.length).equals(mark);
    at += isTrace ? 2 * mark.length : mark.length;
  }
  return places;
}

function template(spans: number, at: number): object {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const int = (key: string, intValue: number) => ({ key, value: { intValue } });
  const made = Array.from({ length: spans }, (_, i) => {
    const isRoot = i % SPANS_OF_A_TRACE === 0;
    const start = BigInt(at) * 1_000_000n + BigInt(i) * 1_001n;
    return {
      traceId: PLACEHOLDER.repeat(16),
      spanId: PLACEHOLDER.repeat(8),
      ...(isRoot ? {} : { parentSpanId: PLACEHOLDER.repeat(8) }),
      name: ['POST /v1/chat/completions', 'provider.call', 'model.generate', 'POST'][i % 4],
      kind: 1 + (i % 3),
      startTimeUnixNano: `${start}`,
      endTimeUnixNano: `${start + 12_345_678n + BigInt(i)}`,
      attributes: [
        text('http.request.method', 'POST'),
        text('url.full', 'http://127.0.0.1:8092/v1/chat/completions'),
        text('server.address', '127.0.0.1'),
        int('server.port', 8092),
        int('http.response.status_code', 200),
        text('network.protocol.version', '1.1'),
        text('user_agent.original', 'node'),
        text('gen_ai.request.model', 'llama-3.2-1b'),
        int('gen_ai.usage.output_tokens', 100 + (i % 300)),
        text('beacon.region', 'eu-west'),
      ],
      status: {},
      flags: 257,
    };
  });
  const resource = { attributes: [text('service.name', 'inference'), text('host.name', 'bench')] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'bench', version: '1' }, spans: made }] }] };
}
