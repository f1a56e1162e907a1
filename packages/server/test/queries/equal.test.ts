// One value, one answer: odd traces, asked for by every API that tells them, have the same values everywhere.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { jaegerRoutes } from '../../src/compat/jaeger/routes.ts';
import { tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { visibleJson } from '../../src/mcp/untrusted.ts';
import { run } from '../cli/run.ts';
import { serve } from '../http/server.ts';
import { served, textOf } from '../mcp/clients.ts';
import { otlpServer } from '../receivers/server.ts';
import { type Json, request, span } from '../receivers/spans.ts';

// Two hundred in `npm run test:long`; here fewer, and every eighth by the slower ways too.
const isAll = process.env.EQUAL === 'all';
const TRACES = isAll ? 200 : 64;
const EVERY = isAll ? 1 : 8;

const database = await testDatabase();
const otlp = await otlpServer(database);
const server = await serve(database, {}, (app, pool) => {
  jaegerRoutes(app, pool);
  tempoRoutes(app, pool, { prefix: '/tempo' });
});
const mcp = await served(database.url);
const tool = await mcp.connect();
after(async () => {
  await tool.close();
  await mcp.close();
});

const strings = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '',
    ' ',
    '0',
    'null',
    '1e5',
    '"',
    '\\',
    '\u202e',
    '\u2066x',
    '\ud83d\ude00',
    '\u0001',
    '\t\n\r',
    'é\u0301',
    '__proto__',
  ),
);
const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom('0', '-1', '9007199254740993', '-9223372036854775808', '9223372036854775807', '780177723283783681'),
);
const doubles = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  fc.constantFrom(0, 0.1, 1, 1e21, 1.5e300, 5e-324, 123456789.125, 2 ** 53),
);
const { value: values } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    strings.map((stringValue) => ({ stringValue })),
    integers.map((intValue) => ({ intValue })),
    doubles.map((doubleValue) => ({ doubleValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
    fc.array(tie('value'), { maxLength: 4 }).map((list) => ({ arrayValue: { values: list } })),
    fc
      .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 6 }), tie('value')), {
        maxLength: 3,
        selector: ([key]) => key,
      })
      .map((pairs) => ({ kvlistValue: { values: pairs.map(([key, value]) => ({ key, value })) } })),
  ),
}));
const attributes = (max: number) =>
  fc
    .uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), values), {
      maxLength: max,
      selector: ([key]) => key,
    })
    .map((pairs) => pairs.map(([key, value]) => ({ key: `a.${key}`, value })));
const odd = fc.record({
  attributes: attributes(12),
  events: fc.array(
    fc.record({
      name: strings.filter((name) => name !== ''),
      timeUnixNano: fc.constantFrom('1', '1700000000123456789'),
      attributes: attributes(3),
    }),
    { maxLength: 5 },
  ),
  links: fc.array(
    fc.record({
      traceId: fc.constant('ab'.repeat(16)),
      spanId: fc.constant('cd'.repeat(8)),
      attributes: attributes(2),
    }),
    { maxLength: 5 },
  ),
  name: fc.oneof(
    strings.filter((name) => name.trim() !== ''),
    fc.constant('x'.repeat(900)),
  ),
});

type Value = string | boolean | null | Value[] | { [key: string]: Value };

/** What a value is, whichever API it came from: numbers as the digits of their exact value. */
function plain(value: Json): Value {
  if ('arrayValue' in value) return ((value.arrayValue as { values?: Json[] }).values ?? []).map(plain);
  if ('kvlistValue' in value) return object((value.kvlistValue as { values?: Json[] }).values ?? []);
  if ('intValue' in value) return `#${value.intValue}`;
  if ('doubleValue' in value) return number(String(value.doubleValue));
  if ('bytesValue' in value) return String(value.bytesValue);
  return (value.stringValue ?? value.boolValue ?? null) as Value;
}

function object(pairs: Json[]): Value {
  const made = Object.create(null);
  for (const { key, value } of pairs) made[key as string] = plain((value ?? {}) as Json);
  return made;
}

function number(source: string): string {
  return /^-?\d+$/.test(source)
    ? `#${BigInt(source)}`
    : /[.eE]/.test(source) && !Number.isInteger(Number(source))
      ? `#${Number(source)}`
      : `#${BigInt(Number(source))}`;
}

/** JSON with all its digits. */
// biome-ignore lint/suspicious/noExplicitAny: whatever an API says, for the test to look into.
type Any = any;

function parse(text: string): Any {
  return JSON.parse(text, (_key, value, context?: { source?: string }) =>
    typeof value === 'number' ? number(context?.source ?? String(value)) : value,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const made = Object.create(null);
  for (const key of Object.keys(value).sort()) made[key] = sorted((value as Record<string, unknown>)[key]);
  return made;
}

const traces = fc.sample(odd, { numRuns: TRACES, seed: 20261201 }).map((made) => span(made as Json));

test('odd traces are told alike by SQL, HTTP, the command line, MCP, Jaeger and Tempo', async () => {
  const refused = await otlp.post(request(traces));
  assert.equal(refused.status, 200);
  assert.deepEqual(await refused.json(), {});
  let told = 0;
  for (const [i, sent] of traces.entries()) {
    const { traceId, spanId } = sent as { traceId: string; spanId: string };
    const expected = sorted(object(sent.attributes as Json[]));
    const events = (sent.events as Json[]).map(({ name, attributes }) => ({
      name,
      attributes: sorted(object(attributes as Json[])),
    }));
    const links = (sent.links as Json[]).map(({ attributes }) => sorted(object(attributes as Json[])));
    const same = (api: string, row: { attributes: unknown; events?: Any[]; links?: Any[]; operation: string }) => {
      assert.deepEqual(sorted(row.attributes), expected, `${api}: attributes of ${i}`);
      assert.equal(row.operation, sent.name, `${api}: name of ${i}`);
      assert.deepEqual(
        (row.events ?? []).map((event) => ({ name: event.name, attributes: sorted(event.attributes ?? {}) })),
        events,
        `${api}: events of ${i}`,
      );
      assert.deepEqual(
        (row.links ?? []).map((link) => sorted(link.attributes ?? {})),
        links,
        `${api}: links of ${i}`,
      );
    };
    const { rows } = await database.client.query(
      'select metadata::text, events::text, links::text, operation from trace_spans where trace_id = $1::uuid',
      [traceId],
    );
    const [row] = rows;
    same('SQL', {
      attributes: parse(row.metadata),
      events: parse(row.events ?? '[]'),
      links: parse(row.links ?? '[]'),
      operation: row.operation,
    });
    const where = `trace_id=${traceId}&span_id=${spanId}`;
    same('HTTP', parse(await (await fetch(`${server.url}/api/v1/span?${where}`)).text()).rows[0]);
    if (i % EVERY === 0) {
      const command = await run(['span', traceId, spanId, '--json'], { DATABASE_URL: database.url });
      const printed = parse(command.out);
      same('command line', Array.isArray(printed) ? printed[0] : (printed.rows?.[0] ?? printed));
      const answer = textOf(await tool.call('get_span', { trace_id: traceId, span_id: spanId }));
      // A long one is cut, and that is said; what is told of it is exact all the same.
      const said = parse(/^attributes: (.*)$/m.exec(answer)?.[1] ?? '{}');
      const shown = visibleJson(expected) as Record<string, unknown>;
      const whole = Object.entries(said).filter(([, value]) => !JSON.stringify(value).includes('…'));
      for (const [key, value] of whole.filter(([name]) => name !== '…'))
        assert.deepEqual(sorted(value), sorted(shown[key]), `MCP: ${key} of ${i}`);
      told += whole.length;
    }
    const tempo = parse(
      await (
        await fetch(`${server.url}/tempo/api/traces/${traceId}`, { headers: { accept: 'application/json' } })
      ).text(),
    );
    const [batch] = tempo.batches ?? tempo.resourceSpans;
    const [first] = batch.scopeSpans[0].spans;
    same('Tempo', {
      attributes: untold(first.attributes),
      operation: first.name,
      events: (first.events ?? []).map((event: Any) => ({ name: event.name, attributes: untold(event.attributes) })),
      links: (first.links ?? []).map((link: Any) => ({ attributes: untold(link.attributes) })),
    });
    const { data } = parse(await (await fetch(`${server.url}/api/traces/${traceId}`)).text());
    const [jaeger] = data[0].spans;
    const tags = jaeger.tags.filter(({ key }: { key: string }) => key.startsWith('a.'));
    const byKey = (pairs: Json[]) => sorted(Object.fromEntries(pairs.map(({ key, value }) => [key, value])));
    const asSent = (sent.attributes as Json[]).map(({ key, value }) => ({ key, value: asTag(value as Json) }));
    const structured = new Set(
      (sent.attributes as Json[]).filter(({ value }) => isStructure(value as Json)).map(({ key }) => key),
    );
    const asTold = tags.map(({ key, value }: Json) => ({
      key,
      value: structured.has(key) ? parse(value as string) : value,
    }));
    assert.deepEqual(byKey(asTold), byKey(asSent), `Jaeger: attributes of ${i}`);
    assert.equal(jaeger.operationName, sent.name);
  }
  assert.ok(told > TRACES / EVERY, 'MCP told values');
});

/** OTLP's attributes, parsed with their digits. */
function untold(attributes: Json[] | undefined): unknown {
  const bare = (value: Any): Any => {
    if ('arrayValue' in value) return { arrayValue: { values: (value.arrayValue.values ?? []).map(bare) } };
    if ('kvlistValue' in value)
      return {
        kvlistValue: {
          values: (value.kvlistValue.values ?? []).map(({ key, value: item }: Any) => ({ key, value: bare(item) })),
        },
      };
    if ('intValue' in value) return { intValue: String(value.intValue).replace('#', '') };
    if ('doubleValue' in value) return { doubleValue: String(value.doubleValue).replace('#', '') };
    return value;
  };
  return object((attributes ?? []).map(({ key, value }) => ({ key, value: bare(value ?? {}) })));
}

/** What Jaeger makes of a value: whole numbers beyond 2^53 as text, lists and maps as JSON. */
function asTag(value: Json): unknown {
  if ('intValue' in value) {
    const text = String(value.intValue);
    return Number.isSafeInteger(Number(text)) ? `#${text}` : text;
  }
  return plain(value);
}

/** Jaeger has no lists and maps: they are JSON in a text. */
function isStructure(value: Json): boolean {
  return 'arrayValue' in value || 'kvlistValue' in value;
}
