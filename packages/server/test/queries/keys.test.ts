// Executions whose key is a UUID or another text, end to end: over OTLP in, and out of everything that answers.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { QUERIES } from '../../src/registry.ts';
import { createPool } from '../../src/store/connect.ts';
import { run } from '../cli/run.ts';
import { serve } from '../http/server.ts';
import { served } from '../mcp/clients.ts';
import { otlpServer } from '../receivers/server.ts';
import { type Json, request, span, text } from '../receivers/spans.ts';

const database = await testDatabase();
const { client } = database;
const otlp = await otlpServer(database);
const pool = createPool(database.url, { applicationName: 'test', max: 2 });
after(() => pool.end());

/** Its UUID as .NET writes it; Beacon has it as PostgreSQL does. */
const [failed, worked, untraced] = [randomUUID(), randomUUID(), randomUUID()];
const job = randomUUID();
const ulid = '01JD8X7Q9W3VZ5T2K6M4N8P0RS';
const recorded: string = randomUUID();

const at = BigInt(Date.now() - 60_000) * 1_000_000n;
/** An execution of two spans, of which only the root knows its key; it may come as baggage that an SDK copied. */
function execution(key: string, fails: boolean, attribute = 'beacon.execution_id'): Json[] {
  const traceId = randomBytes(16).toString('hex');
  const times = { startTimeUnixNano: `${at}`, endTimeUnixNano: `${at + 50_000_000n}` };
  const root = span({
    traceId,
    name: 'work',
    kind: 5,
    ...times,
    attributes: [text(attribute, key), text('beacon.job_id', job)],
  });
  const status = fails ? { status: { code: 2, message: 'connect ECONNREFUSED 10.0.0.7:5432' } } : {};
  const call = {
    attributes: [...(fails ? [text('error.type', 'ECONNREFUSED')] : []), text('server.address', '10.0.0.7')],
  };
  return [
    { ...root, ...status },
    span({ traceId, parentSpanId: root.spanId, name: 'connect', kind: 3, ...times, ...call, ...status }),
  ];
}

await client.query(`
  create schema app;
  create table app.runs (id uuid primary key, batch uuid, state text, answer text, made timestamptz default now());
  create table app.tasks (code varchar(40) primary key, state text, made timestamptz default now());
  insert into beacon.trace_records (name, relation, id_column, job_column, status_column, output_column, created_column) values
    ('runs', 'app.runs', 'id', 'batch', 'state', 'answer', 'made'), ('tasks', 'app.tasks', 'code', null, 'state', null, 'made')`);
await client.query(
  `insert into app.runs (id, batch, state, answer) values ($1, $5, 'failed', null), ($2, $5, 'done', 'yes'), ($3, $5, 'done', 'yes'), ($4, $5, 'failed', null)`,
  [failed, worked, untraced, recorded, job],
);
await client.query(
  `insert into app.tasks (code, state) values ($1, 'done'), ('7', 'done'), ('007', 'done'), ('lost-1', 'done')`,
  [ulid],
);
const spans = [
  ...execution(failed!.toUpperCase(), true),
  ...execution(worked!, false, 'baggage.beacon.execution_id'),
  ...execution(recorded, false),
  ...execution(ulid, false),
  ...execution('007', false),
];
assert.equal((await otlp.post(request(spans))).status, 200);
const traceOfFailed = String(spans[0]!.traceId);

const named = (name: string) => QUERIES.find((query) => query.name === name) as Query;
const ask = (name: string, params: Record<string, unknown>) => runQuery(pool, named(name), params);

test('spans keep a text in its own column, and integers where they were', async () => {
  const { rows } = await client.query(
    `select execution_id, execution_key, count(*)::int as spans from trace_spans group by 1, 2 order by execution_key`,
  );
  assert.deepEqual(
    rows.filter((row) => row.execution_key !== null).map((row) => [row.execution_id, row.execution_key, row.spans]),
    [failed, worked, recorded, ulid, '007'].sort().map((key) => [null, key, 1]),
  );
});

test('every question about one execution takes its key, in either case', async () => {
  const told = { execution_id: failed, job_id: 'keyed', model_id: 'm', region: 'r', question: '2+2?', answer: '4' };
  await client.query('select beacon.record_answer($1)', [JSON.stringify(told)]);
  await client.query(`select beacon.score($1::text, 'right', 1, 'test')`, [failed]);
  // Receipts are the runner's, of which none runs here.
  const elsewhere = ['search', 'spans', 'receipts'];
  const about = QUERIES.filter(
    ({ name, params, mutates }) => 'execution_id' in params.shape && !mutates && !elsewhere.includes(name),
  );
  assert.ok(about.length >= 10, about.map(({ name }) => name).join(' '));
  for (const query of about) {
    const answer = await runQuery(pool, query, { execution_id: failed!.toUpperCase() });
    if (!['timeout-root-cause', 'blast-radius', 'similar', 'outage-cost'].includes(query.name))
      assert.ok(answer.rows.length > 0, query.name);
  }
  const causes = await ask('root-cause', { execution_id: failed });
  assert.equal(causes.rows[0]?.type, 'CONNECTION_FAILURE');
  for (const name of ['waterfall', 'trace']) {
    const { rows } = await ask(name, { execution_id: failed });
    assert.deepEqual(
      rows.map((row) => [row.execution_id, row.operation]),
      [
        [failed, 'work'],
        [failed, 'connect'],
      ],
    );
  }
  const similar = await ask('similar', { execution_id: worked });
  assert.ok(similar.rows.some((row) => row.execution_id === recorded));
  const [twin] = (await ask('compare-with-successful', { execution_id: failed })).rows;
  assert.ok([worked, recorded, ulid, '007'].includes(String(twin?.successful_execution_id)));
  const compared = await ask('compare', { execution_a: worked, execution_b: failed });
  assert.ok(compared.rows.length > 0);
  await assert.rejects(ask('diagnose', { execution_id: 'never' }), /Execution never has no trace/);
});

test('lists say the key where an integer would stand', async () => {
  const keyOf = (rows: Record<string, unknown>[]) => rows.map((row) => row.execution_id).sort();
  assert.deepEqual(keyOf((await ask('search', {})).rows), [failed, worked, recorded, ulid, '007'].sort());
  for (const q of [`execution=${failed}`, `execution="${failed!.toUpperCase()}"`]) {
    assert.deepEqual(keyOf((await ask('search', { q: q })).rows), [failed]);
    assert.deepEqual(
      (await ask('spans', { q })).rows.map((row) => row.operation),
      ['work'],
    );
  }
  assert.deepEqual(keyOf((await ask('search', { execution_id: ulid })).rows), [ulid]);
  assert.deepEqual(keyOf((await ask('spans', { execution_id: '007' })).rows), ['007']);
  assert.deepEqual(keyOf((await ask('spans', { execution_id: '7' })).rows), []);
  assert.equal((await ask('spans', { q: 'has:execution' })).rows.length, 5);
  assert.equal((await ask('spans', { q: '-has:execution' })).rows.length, 5);
  assert.equal((await ask('spans', { q: `execution!=${failed}` })).rows.length, 4);
  const { rows: found } = await ask('findings', {});
  assert.deepEqual(
    found.map((row) => [row.type, row.example_execution_id]),
    [['CONNECTION_FAILURE', failed]],
  );
  const { rows: cells } = await ask('job-matrix', { job_id: job });
  assert.deepEqual(
    cells.map((row) => [row.execution_id, row.status, row.traced, row.verdict]).sort(),
    [
      [failed, 'failed', true, 'CONNECTION_FAILURE'],
      [worked, 'completed', true, null],
      [untraced, 'completed', false, null],
      [recorded, 'failed', true, null],
    ].sort(),
  );
  const { rows: jobs } = await ask('jobs', {});
  assert.deepEqual(
    jobs.map((row) => [row.job_id, row.executions, row.traced]),
    [[job, 4, 3]],
  );
  const [cell] = (await ask('job-cells', { job_id: job })).rows;
  assert.ok([failed, recorded].includes(String(cell?.example_execution_id)));
  const values = await ask('attribute-values', { key: 'execution' });
  assert.ok(values.rows.some((row) => row.value === failed));
});

test('registered rows with such keys are covered, and evidence', async () => {
  const { rows } = await ask('coverage', {});
  assert.deepEqual(rows.map((row) => [row.records, row.executions, row.traced, row.untraced_execution_ids]).sort(), [
    ['runs', 4, 3, [untraced]],
    ['tasks', 4, 2, ['7', 'lost-1']],
  ]);
  const [cause] = (await ask('root-cause', { execution_id: recorded })).rows;
  assert.match(String(cause?.summary), new RegExp(`Execution ${recorded} is recorded as failed in runs`));
  const [missing] = (await ask('root-cause', { execution_id: untraced })).rows;
  assert.equal(missing?.type, 'UNTRACED');
  const counted = await client.query(`select * from untraced_since(now() - interval '1 day')`);
  assert.deepEqual(
    [counted.rows[0].executions, counted.rows[0].untraced_ids.sort()],
    ['8', [untraced, '7', 'lost-1'].sort()],
  );
  const baseline = await client.query(
    `select executions from preflight_baseline(now() - interval '1 hour', now() + interval '1 hour', true)`,
  );
  assert.equal(baseline.rows.length, 1);
});

test('a UUID that is no trace is taken for the execution it names, wherever either is asked for', async () => {
  const causes = await ask('root-cause', { trace_id: failed });
  assert.equal(causes.rows[0]?.type, 'CONNECTION_FAILURE');
  assert.deepEqual(
    (await ask('waterfall', { trace_id: failed })).rows.map((row) => row.execution_id),
    [failed, failed],
  );
  assert.equal((await ask('waterfall', { trace_id: traceOfFailed })).rows.length, 2);
  for (const verb of [
    ['diagnose', failed!],
    ['waterfall', failed!],
    ['waterfall', ulid],
    ['search', '--execution', '007'],
  ]) {
    const { out, err, code } = await run(verb, { DATABASE_URL: database.url });
    assert.ok(code < 2, `${verb.join(' ')}: ${err}`);
    assert.ok(out.includes(verb.at(-1)!), `${verb.join(' ')}: ${out}`);
  }
});

test('HTTP and MCP take and give the same keys', async () => {
  const http = await serve(database);
  const answered = await http.ask(`/api/v1/root-cause?execution_id=${failed}`);
  assert.deepEqual([answered.status, answered.body.rows[0].type], [200, 'CONNECTION_FAILURE']);
  const columns = await http.ask(`/api/v1/trace-columns?execution_id=${failed}`);
  assert.deepEqual(
    [columns.body.trace_id, columns.body.header.execution_id, columns.body.traces_of_execution],
    [traceOfFailed, failed, [traceOfFailed]],
  );
  assert.equal((await http.ask('/api/v1/diagnose?execution_id=')).status, 400);
  const mcp = await served(database.url);
  const api = await mcp.connect();
  const told = await api.call('identify_root_cause', { execution_id: failed });
  assert.match(JSON.stringify(told.content), /CONNECTION_FAILURE/);
  await api.close();
  await mcp.close();
});

test('rows without a trace get one, and what is forgotten by its key is gone', async () => {
  await client.query('select backfill()');
  assert.equal(
    (await ask('coverage', {})).rows.every((row) => row.executions === row.traced),
    true,
  );
  assert.equal((await ask('waterfall', { execution_id: untraced })).rows.length, 1);
  const { out } = await run(['forget', '--execution', failed!, '--yes'], { DATABASE_URL: database.url });
  assert.match(out, /^Removed 2 spans and 0 log records in 1 traces/);
  const { rows } = await client.query('select count(*)::int as n from trace_executions where execution_key = $1', [
    failed,
  ]);
  assert.equal(rows[0].n, 0);
});
