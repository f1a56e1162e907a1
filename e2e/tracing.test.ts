import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Execution, eventually, System, systemDatabase } from './system.ts';

const REGIONS = ['us-east', 'eu-west', 'asia-southeast'];
const QUESTIONS = ['What is 2+2?', 'Name a colour.'];
const database = await systemDatabase();
const { client } = database;

interface Row {
  service: string;
  operation: string;
  kind: string;
  status: string;
  parent: string | null;
  execution_id: string | null;
  job_id: string | null;
  model_id: string | null;
  region: string | null;
}

// As `select * from trace_waterfall` shows it: depth, service, operation, kind.
const SHAPE = [
  '0 runner execution.run consumer',
  '1 runner POST client',
  '2 router POST /inference server',
  '3 router provider.call internal',
  '4 router POST client',
  '5 inference POST /v1/chat/completions server',
  '6 inference model.generate internal',
];

/** Waits until every span of these executions has been written and ended. */
async function written(executions: Execution[], spans: number): Promise<void> {
  const ids = executions.map(({ id }) => id);
  await eventually('all spans are written', async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from beacon.trace_spans where execution_id = any($1) and status <> 'started'`,
      [ids],
    );
    return rows[0].n >= spans;
  });
}

/** What came out, without how fast it came. */
function results(executions: Execution[]) {
  return executions.map(({ region, question, status, attempt, output_data }) => ({
    region,
    question,
    status,
    attempt,
    output_data: { ...output_data, first_chunk_ms: null, chunks_per_s: null },
  }));
}

let traced: Execution[] = [];

test('each execution is one trace through three services, with the right parents and its id on every span', async () => {
  const system = await System.start(database, { regions: REGIONS });
  traced = await system.run(REGIONS, QUESTIONS);
  assert.deepEqual([...new Set(traced.map(({ status }) => status))], ['completed']);
  await written(traced, traced.length * SHAPE.length);

  for (const execution of traced) {
    const { rows: shape } = await client.query(
      `select depth || ' ' || service || ' ' || operation || ' ' || kind as line from trace_waterfall
       where execution_id = $1 order by position`,
      [execution.id],
    );
    assert.deepEqual(
      shape.map(({ line }) => line),
      SHAPE,
    );
    const { rows } = await client.query<Row>(
      'select * from trace_spans where trace_id = (select trace_id from trace_executions where execution_id = $1)',
      [execution.id],
    );
    for (const row of rows) {
      assert.equal(row.status, 'completed');
      assert.equal(row.execution_id, String(execution.id));
      assert.equal(row.model_id, 'llama-3.2-1b');
      assert.equal(row.region, execution.region);
      assert.ok(row.job_id);
    }
  }
  const { rows: coverage } = await client.query(
    `select coverage_pct, executions, traced from trace_coverage where job_id is not null`,
  );
  assert.deepEqual(coverage, [{ coverage_pct: 100, executions: '6', traced: '6' }]);
  // A busy host makes the first call slow, and saying so is right; that anything failed would not be.
  const { rows: causes } = await client.query(
    `select * from identify_root_cause($1) where type <> 'PERFORMANCE_DEGRADATION'`,
    [traced[0]?.id],
  );
  assert.deepEqual(causes, []);

  // A retry is a trace of its own that links to the first.
  await system.fault('us-east', { fault: 'out_of_memory', times: 1 });
  const [retried] = await system.run(['us-east'], ['What is 1+1?']);
  assert.deepEqual([retried?.status, retried?.attempt], ['completed', 2]);
  await written([retried!], 2 * SHAPE.length);
  const { rows: attempts } = await client.query(
    `select replace(trace_id::text, '-', '') as trace_id, encode(span_id, 'hex') as span_id, status, links,
       metadata ->> 'beacon.attempt' as attempt
     from trace_spans where execution_id = $1 and operation = 'execution.run' order by started_at`,
    [retried?.id],
  );
  assert.deepEqual(
    attempts.map(({ status, attempt }) => [status, attempt]),
    [
      ['failed', '1'],
      ['completed', '2'],
    ],
  );
  assert.equal(attempts[0].links, null);
  assert.equal(attempts[1].links[0].trace_id, attempts[0].trace_id);
  assert.equal(attempts[1].links[0].span_id, attempts[0].span_id);
  assert.equal(retried?.trace_id, attempts[1].trace_id);
  await system.stop();

  // Orderly stops leave nothing open, and every tracer says that it lost nothing.
  const { rows: tracers } = await client.query(
    `select service, stopped_at is not null as stopped, spans_dropped, spans_started = spans_written as all_written
     from tracers order by service`,
  );
  assert.deepEqual(
    tracers,
    ['inference', 'router', 'runner'].map((service) => ({
      service,
      stopped: true,
      spans_dropped: {},
      all_written: true,
    })),
  );
});

test('with the flag off there is no row, no connection of a tracer, and the same results', async () => {
  const untraced = await systemDatabase();
  const system = await System.start(untraced, { regions: REGIONS, tracing: false });
  const executions = await system.run(REGIONS, QUESTIONS);
  const { rows: connections } = await untraced.client.query(
    `select distinct application_name from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
  assert.deepEqual(connections, [{ application_name: 'beacon-runner' }]);
  await system.stop();
  const { rows: written } = await untraced.client.query(
    `select (select count(*) from trace_spans)::int as spans, (select count(*) from traces)::int as traces,
       (select count(*) from trace_executions)::int as executions, (select count(*) from tracers)::int as tracers`,
  );
  assert.deepEqual(written, [{ spans: 0, traces: 0, executions: 0, tracers: 0 }]);
  assert.deepEqual(results(executions), results(traced));
  assert.ok(executions.every(({ trace_id }) => trace_id === null));
});
