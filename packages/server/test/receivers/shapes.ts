// Generated span shapes: every pair of choices of any two dimensions occurs together in one of them.
import { createHash } from 'node:crypto';
import type { Json } from './spans.ts';

const BASE = 1_790_000_000_000_000_000n;
const text = (stringValue: string) => ({ stringValue });
const array = (...values: Json[]) => ({ arrayValue: { values } });
const kvlist = (entries: Record<string, Json>) => ({
  kvlistValue: { values: Object.entries(entries).map(([key, value]) => ({ key, value })) },
});

/** Values of one attribute, by what is special about them. */
const VALUES: Json[] = [
  text('plain'),
  text(''),
  text('quotes " backslash \\ tab \t line\nreturn\r \u0001 \u001f \u007f'),
  text('ümläut 漢字 😀 \u2028 \ufffd'),
  text('\\N'),
  text('\\u0000 spelled out, \\x41'),
  text('x'.repeat(70_000)),
  text('with a \u0000 in it'),
  { boolValue: true },
  { boolValue: false },
  { intValue: '0' },
  { intValue: '-1' },
  { intValue: '200' },
  { intValue: '9007199254740993' },
  { intValue: '9223372036854775807' },
  { intValue: '-9223372036854775808' },
  { doubleValue: 0 },
  { doubleValue: -0 },
  { doubleValue: 1 },
  { doubleValue: 0.1 },
  { doubleValue: -1.5e300 },
  { doubleValue: 1e21 },
  { doubleValue: 1e-7 },
  { doubleValue: 5e-324 },
  { doubleValue: 1.7976931348623157e308 },
  { doubleValue: 'NaN' },
  { doubleValue: 'Infinity' },
  { doubleValue: '-Infinity' },
  { bytesValue: Buffer.from([0, 255, 10, 92]).toString('base64') },
  { bytesValue: '' },
  {},
  array(),
  array(text('a'), { intValue: '1' }, { doubleValue: 1 }, { boolValue: false }, {}),
  array(array(text('deep')), kvlist({ a: { intValue: '9007199254740993' } })),
  kvlist({}),
  kvlist({ b: text('1'), a: kvlist({ c: { doubleValue: 2 } }), 'dotted.name': {} }),
  kvlist({ 'a "key" \\ \n with ü': text('1'), '': text('no key') }),
  array(array(), kvlist({}), { bytesValue: 'AAEC' }),
  array(kvlist({ a: text('in a list') }), { intValue: '-9007199254740993' }),
  kvlist({ raw: { bytesValue: 'AAEC' }, list: array({ doubleValue: 'NaN' }) }),
];

const DIMENSIONS: Record<string, ((id: (what: string) => string) => Json)[]> = {
  parent: [() => ({}), (id) => ({ parentSpanId: id('parent').slice(0, 16) })],
  kind: [0, 1, 2, 3, 4, 5, 6].map((kind) => () => (kind === 0 ? {} : { kind })),
  status: [
    () => ({}),
    () => ({ status: {} }),
    () => ({ status: { code: 1 } }),
    () => ({ status: { code: 2 } }),
    () => ({ status: { code: 2, message: 'it failed:\n\t"why" \\' } }),
    () => ({ status: { message: 'said although unset' } }),
    () => ({ status: { code: 1, message: 'fine' } }),
    () => ({ status: { code: 2, message: 'm'.repeat(20_000) } }),
  ],
  name: [
    () => ({ name: 'GET /x' }),
    () => ({}),
    () => ({ name: 'tab\tand "quote" and ü' }),
    () => ({ name: 'n'.repeat(3_000) }),
  ],
  times: [
    () => ({ startTimeUnixNano: `${BASE + 1n}`, endTimeUnixNano: `${BASE + 999_999_999n}` }),
    () => ({ startTimeUnixNano: `${BASE}`, endTimeUnixNano: `${BASE}` }),
    () => ({ startTimeUnixNano: `${BASE + 123_456_789n}`, endTimeUnixNano: `${BASE + 86_400_000_000_001n}` }),
    () => ({ startTimeUnixNano: `${BASE}`, endTimeUnixNano: `${BASE + 40_000_000_000_000_003n}` }),
    () => ({ startTimeUnixNano: '9223372036854775809', endTimeUnixNano: '18446744073709551615' }),
  ],
  events: [
    () => ({}),
    () => ({ events: [{ timeUnixNano: `${BASE + 5n}`, name: 'cache miss' }] }),
    () => ({
      events: [
        { timeUnixNano: '18446744073709551615', name: '', droppedAttributesCount: 3 },
        {
          timeUnixNano: `${BASE}`,
          name: 'exception',
          attributes: [
            { key: 'exception.type', value: text('java.net.SocketTimeoutException') },
            { key: 'exception.message', value: text('Read timed out') },
            { key: 'raw', value: { bytesValue: 'AAEC' } },
          ],
        },
      ],
    }),
  ],
  links: [
    () => ({}),
    (id) => ({ links: [{ traceId: id('linked'), spanId: id('linked').slice(0, 16) }] }),
    (id) => ({
      links: [
        {
          traceId: id('other'),
          spanId: id('other').slice(0, 16),
          traceState: 'vendor=1',
          flags: 769,
          droppedAttributesCount: 1,
          attributes: [{ key: 'why', value: { doubleValue: 'NaN' } }],
        },
        { traceId: id('third'), spanId: id('third').slice(0, 16) },
      ],
    }),
  ],
  state: [() => ({}), () => ({ traceState: 'vendor=1,other=a b' })],
  flags: [() => ({}), () => ({ flags: 0x301 }), () => ({ flags: 0xffffffff })],
  dropped: [() => ({}), () => ({ droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 4294967295 })],
  value: VALUES.map((value) => () => ({ attributes: [{ key: 'the value', value }] })),
  context: [
    () => ({}),
    () => ({
      attributes: [
        { key: 'beacon.execution_id', value: { intValue: '2193' } },
        { key: 'beacon.job_id', value: text('472') },
        { key: 'gen_ai.request.model', value: text('llama-3.2-1b') },
        { key: 'gen_ai.usage.input_tokens', value: { doubleValue: 12 } },
        { key: 'cloud.region', value: text('eu-west') },
        { key: 'beacon.execution_id.text', value: text('not a number') },
      ],
    }),
    () => ({ attributes: [{ key: 'beacon.execution_id', value: text('no number') }] }),
  ],
};

const RESOURCES: Json[] = [
  { resource: { attributes: [{ key: 'service.name', value: text('checkout') }] } },
  {},
  {
    schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
    resource: {
      droppedAttributesCount: 2,
      attributes: [
        { key: 'service.name', value: text('checkout') },
        { key: 'process.pid', value: { intValue: '9007199254740993' } },
        { key: 'ratio', value: { doubleValue: 1 } },
        { key: 'raw', value: { bytesValue: 'AAEC' } },
        { key: 'args', value: array(text('a\\b'), text('"c"')) },
      ],
    },
  },
];

const SCOPES: Json[] = [
  {},
  { scope: { name: 'shop' } },
  {
    schemaUrl: 'https://example.org/schema',
    scope: {
      name: 'shop',
      version: '1.2.3',
      droppedAttributesCount: 7,
      attributes: [{ key: 'short', value: { doubleValue: -0 } }],
    },
  },
];

export type Shape = (traceId: string) => Json;

/** ResourceSpans of one span each. */
export function shapes(seed: string): Shape[] {
  const names = Object.keys(DIMENSIONS);
  const rows = pairwise([...names.map((name) => DIMENSIONS[name]!.length), RESOURCES.length, SCOPES.length]);
  return rows.map((row, n) => (traceId) => {
    const id = (what: string) => createHash('md5').update(`${seed} ${n} ${what}`).digest('hex');
    const parts = names.map((name, d) => DIMENSIONS[name]![row[d]!]!(id));
    const attributes = parts.flatMap((part) => (part.attributes as Json[] | undefined) ?? []);
    const span = { ...Object.assign({}, ...parts), traceId, spanId: id('span').slice(0, 16), attributes };
    const { scope, schemaUrl } = SCOPES[row.at(-1)!]! as { scope?: Json; schemaUrl?: string };
    const scopeSpans = [{ ...(scope && { scope }), ...(schemaUrl && { schemaUrl }), spans: [span] }];
    return { ...RESOURCES[row.at(-2)!]!, scopeSpans };
  });
}

/** Rows of choices such that any two choices of two dimensions meet; greedy, and the same every time. */
function pairwise(sizes: number[]): number[][] {
  const missing = new Set<string>();
  const key = (a: number, i: number, b: number, j: number) => `${a}:${i},${b}:${j}`;
  for (let a = 0; a < sizes.length; a++) {
    for (let b = a + 1; b < sizes.length; b++) {
      for (let i = 0; i < sizes[a]!; i++) for (let j = 0; j < sizes[b]!; j++) missing.add(key(a, i, b, j));
    }
  }
  const rows: number[][] = [];
  // The two largest dimensions give the rows; the others are chosen so that they bring most of what is missing.
  while (missing.size > 0) {
    const [first] = missing;
    const [, a, i, b, j] = /^(\d+):(\d+),(\d+):(\d+)$/.exec(first!)!.map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const row: number[] = new Array(sizes.length).fill(-1);
    row[a] = i;
    row[b] = j;
    for (let d = 0; d < sizes.length; d++) {
      if (row[d]! >= 0) continue;
      let best = 0;
      let max = -1;
      for (let n = 0; n < sizes[d]!; n++) {
        const choice = (n + rows.length) % sizes[d]!;
        let gained = 0;
        for (let e = 0; e < sizes.length; e++) {
          if (e === d || row[e]! < 0) continue;
          if (missing.has(e < d ? key(e, row[e]!, d, choice) : key(d, choice, e, row[e]!))) gained++;
        }
        if (gained > max) [best, max] = [choice, gained];
      }
      row[d] = best;
    }
    for (let x = 0; x < sizes.length; x++) {
      for (let y = x + 1; y < sizes.length; y++) missing.delete(key(x, row[x]!, y, row[y]!));
    }
    rows.push(row);
  }
  return rows;
}

/**
 * The request as a list of spans with their resource and scope, in an order of its own, without what is the default:
 * two requests that say the same are then equal.
 */
export function plain(request: Json): Json[] {
  const found: Json[] = [];
  for (const rs of (request.resourceSpans ?? []) as Json[]) {
    for (const ss of (rs.scopeSpans ?? []) as Json[]) {
      for (const span of (ss.spans ?? []) as Json[]) {
        found.push(
          cleaned({
            ...span,
            resource: rs.resource,
            resourceUrl: rs.schemaUrl,
            scope: ss.scope,
            scopeUrl: ss.schemaUrl,
          }) as Json,
        );
      }
    }
  }
  return found.sort((a, b) => (String(a.spanId) < String(b.spanId) ? -1 : 1));
}

const EXPLICIT = new Set([
  'stringValue',
  'boolValue',
  'intValue',
  'doubleValue',
  'bytesValue',
  'arrayValue',
  'kvlistValue',
]);

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(cleaned) as Json[];
    const isMap =
      items.length > 0 && items.every((item) => item !== null && typeof item === 'object' && 'value' in item);
    return isMap ? items.sort((a, b) => (String(a.key ?? '') < String(b.key ?? '') ? -1 : 1)) : items;
  }
  if (value === null || typeof value !== 'object') return value;
  const made: Json = {};
  for (const [name, item] of Object.entries(value as Json)) {
    const clean = cleaned(item);
    if (EXPLICIT.has(name)) {
      made[name] = name === 'arrayValue' || name === 'kvlistValue' ? { values: [], ...(clean as Json) } : clean;
    } else if (name === 'value' && isEmpty(clean)) made[name] = {};
    else if (!isDefault(clean)) made[name] = clean;
  }
  return made;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function isDefault(value: unknown): boolean {
  return value === undefined || value === '' || value === 0 || value === '0' || isEmpty(value);
}
