// The picture of a trace is laid out in Node, everything else in SQL: both must see the same tree.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { type PackedTrace, unpack } from '../../../web/src/trace/wire.ts';
import { KINDS, STATUSES } from '../../src/filter/parse.ts';
import { traceColumns } from '../../src/layout/trace-columns.ts';

const { client } = await testDatabase();
const START = Date.now() - 3_600_000;

/** One process that runs, one that stopped 40 ms after the start, one that was never heard of. */
const TRACERS = [randomUUID(), randomUUID(), null];
await client.query(
  `insert into beacon.tracers (tracer_id, service, instance, flag, flag_source, started_at, heartbeat_at, stopped_at)
   select t.id::uuid, 'a', 'a-1', 'true', 'environment', $3, beacon.clock(), t.stopped_at::timestamptz
   from (values ($1, null), ($2, $4)) t (id, stopped_at)`,
  [TRACERS[0], TRACERS[1], new Date(START), new Date(START + 40)],
);

/** Services on the same host have one clock. */
await client.query(
  `insert into beacon.trace_resources (resource_id, attributes) values (1, '{"host.name": "h1"}'), (2, '{"host.id": "h2"}'), (3, '{}')`,
);

/** Type and message as trace_waterfall shows them. */
function inOne(error: { type: string | null; message: string | null } | undefined): string | null {
  return error ? [error.type, error.message].filter((part) => part !== null).join(': ') : null;
}

const span = fc.record({
  // Of another span, of its own, of no span here, or none.
  parent: fc.oneof({ weight: 6, arbitrary: fc.nat(20) }, fc.constantFrom('missing', 'none')),
  // The id of another span, as in Zipkin.
  shares: fc.option(fc.nat(20), { freq: 8 }),
  service: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom('internal', 'server', 'server', 'client', 'producer', 'consumer'),
  status: fc.constantFrom('completed', 'completed', 'failed', 'timeout', 'lost', 'started'),
  startUs: fc.nat(50).map((ms) => ms * 1_000),
  startNs: fc.constantFrom(0, 0, 0, 125, 999),
  durationMs: fc.oneof(
    fc.nat(40),
    fc.nat(40_000_000).map((ns) => ns / 1e6),
  ),
  error: fc.constantFrom(null, null, 'timeout'),
  message: fc.constantFrom(null, null, 'gave up after ü 1 s'),
  tracer: fc.constantFrom(...TRACERS),
  asked: fc.constantFrom(
    null,
    null,
    { 'gen_ai.request.model': 'gpt-4o', 'gen_ai.response.model': 'gpt-4o-2024-11-20', 'gen_ai.usage.input_tokens': 18 },
    { 'gen_ai.request.model': 'ü', 'gen_ai.response.model': 'ü', 'gen_ai.usage.output_tokens': 9 },
  ),
  resource: fc.constantFrom(1, 1, 1, 1, 2, 3),
});
type Drawn = ReturnType<typeof span.generate>['value'];

async function store(spans: Drawn[]): Promise<string> {
  const trace = randomUUID();
  const idOf = (n: number): string => {
    const shared = spans[n % spans.length]!.shares;
    return (1_000 + (shared === null ? n % spans.length : shared % spans.length)).toString(16).padStart(16, 'f');
  };
  const parentIdOf = (parent: Drawn['parent']) => {
    if (parent === 'none') return null;
    return typeof parent === 'number' ? idOf(parent) : '0123456789abcdef';
  };
  const rows = spans.map((drawn, n) => {
    const isOpen = drawn.status === 'started' || drawn.status === 'lost';
    return {
      ...drawn,
      span_id: idOf(n),
      parent_span_id: parentIdOf(drawn.parent),
      duration_ms: isOpen ? null : drawn.durationMs,
    };
  });
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, started_ns,
       completed_at, duration_ms, error_type, error_message, tracer_id, resource_id, metadata)
     select $1, decode(span_id, 'hex'), decode(parent_span_id, 'hex'), service, 'works ' || kind, kind, status,
       $2::timestamptz + make_interval(secs => "startUs" / 1e6), "startNs", $2::timestamptz + make_interval(secs => ("startUs" + 1000 * duration_ms) / 1e6),
       duration_ms, error, message, tracer, resource, coalesce(asked, '{}')
     from jsonb_to_recordset($3) as r (span_id text, parent_span_id text, service text, kind text, status text, "startUs" bigint,
       "startNs" smallint, duration_ms double precision, error text, message text, tracer uuid, resource bigint, asked jsonb)
     on conflict do nothing`,
    [trace, new Date(START), JSON.stringify(rows)],
  );
  await client.query('select beacon.recount_traces(array[$1]::uuid[])', [trace]);
  return trace;
}

test('columns say of every span what the tree says, in its order, whatever the trace looks like', async () => {
  const spans = fc.array(span, { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(spans, async (drawn) => {
      const traceId = await store(drawn);
      const { text, tree, path } = await look(traceId);
      const { columns, services, names, errors, notes } = unpack(JSON.parse(text ?? '') as PackedTrace);
      const said = columns.id.map((id, n) => ({
        id,
        parent: columns.parent[n],
        depth: columns.depth[n],
        what: `${services[columns.service[n]!]?.name} ${names[columns.name[n]!]}`,
        kind: KINDS[columns.kind[n]!],
        status: STATUSES[columns.status[n]!],
        error: inOne(errors[columns.error[n]!]),
        note: notes[columns.note[n]!] ?? null,
        isCritical: columns.critical[n] === 1,
      }));
      const critical = new Set(path.map(({ position }) => position));
      const wanted = tree.map((row) => ({
        id: row.span_id.toString('hex'),
        parent: (row.parent_position ?? 0) - 1,
        depth: row.depth,
        what: `${row.service} ${row.operation}`,
        kind: row.kind,
        status: row.status,
        error: [row.error_type, row.error_message].filter((each) => each !== null).join(': ') || null,
        note: row.note,
        isCritical: critical.has(row.position),
      }));
      assert.deepEqual(said, wanted);
      tree.forEach((row, n) => {
        near(columns.start_us[n]!, row.offset_ms);
        near(columns.self_us[n]!, row.self_ms);
        if (row.status === 'started') assert.equal(columns.duration_us[n], -1);
        else near(columns.duration_us[n]!, row.duration_ms);
      });
    }),
    { numRuns: 150, seed: 7 },
  );
});

/** Both views of it, in one transaction, so that both read the same clock. */
async function look(traceId: string) {
  await client.query('begin isolation level repeatable read read only');
  try {
    const text = await traceColumns(client, traceId);
    const { rows: tree } = await client.query(
      'select t.*, beacon.span_note(t.is_orphan, t.skew_ms, t.status, t.duration_ms, t.metadata) as note from beacon.trace_tree($1) t order by t.position',
      [traceId],
    );
    const { rows: path } = await client.query('select distinct position from beacon.critical_path($1)', [traceId]);
    return { text, tree, path };
  } finally {
    await client.query('rollback');
  }
}

/** Half a microsecond is rounded to the even one by PostgreSQL. */
function near(us: number, ms: number): void {
  assert.ok(Math.abs(us - 1_000 * ms) <= 0.501, `${us} µs, ${ms} ms`);
}
