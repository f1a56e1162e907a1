// What only the stored spans show: links that are missing, ids that lead nowhere, faults that were fixed since.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { TestDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { accused, ask, judge, kill, startApp, work, workDatabase } from './app.ts';

interface Drawn {
  trace?: string;
  parent?: string;
  service: string;
  kind?: string;
  /** Milliseconds before `now`, and how long it took. */
  ago: number;
  /** Default: the present moment. */
  now?: number;
  took: number;
  metadata?: object;
  execution?: number;
}

/** As an exporter stores it; returns the ids. */
async function store({ client }: TestDatabase, drawn: Drawn): Promise<{ trace: string; span: string }> {
  const { trace = randomBytes(16).toString('hex'), parent, service, kind = 'internal', ago, took } = drawn;
  const at = new Date((drawn.now ?? Date.now()) - ago);
  const span = randomBytes(8).toString('hex');
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at, duration_ms, metadata, execution_id)
     select $1::uuid, decode($2, 'hex'), decode($3, 'hex'), $4, $5, $6, 'completed', at, at + make_interval(secs => $8::float8 / 1000), $8, $9, $10
     from (select $7::timestamptz as at) t`,
    [
      trace,
      span,
      parent ?? null,
      service,
      `${kind} ${service}`,
      kind,
      at,
      took,
      drawn.metadata ?? {},
      drawn.execution ?? null,
    ],
  );
  await client.query(
    `insert into beacon.traces (trace_id, started_at, span_count, services) values ($1::uuid, $3, 1, array[$2])
     on conflict (trace_id) do update set span_count = traces.span_count + 1, services = traces.services || excluded.services`,
    [trace, service, at],
  );
  if (drawn.execution !== undefined) {
    await client.query(
      'insert into beacon.trace_executions (execution_id, trace_id, started_at) values ($1, $2::uuid, now())',
      [drawn.execution, trace],
    );
  }
  return { trace, span };
}

/** Calls of one service by another; the callee continues the trace or begins its own. */
async function calls(database: TestDatabase, times: number, continued: boolean): Promise<void> {
  const now = Date.now();
  for (let i = 0; i < times; i++) {
    const ago = 60_000 - i * 200;
    const call = await store(database, { service: 'shop', kind: 'client', ago, now, took: 50 });
    const within = { service: 'billing', kind: 'server', ago: ago - 10, now, took: 30 };
    await store(database, continued ? { ...within, trace: call.trace, parent: call.span } : within);
  }
}

test('a traceparent that is dropped between two services: TRACEPARENT_DROPPED', async (t) => {
  const database = await workDatabase();
  await calls(database, 20, false);
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'TRACEPARENT_DROPPED', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
  assert.match(JSON.stringify(diagnosis.faults), /billing does not continue the traces of shop/);
});

test('calls that are continued, and a service that is called from elsewhere meanwhile: nothing is accused', async (t) => {
  const database = await workDatabase();
  await calls(database, 20, true);
  // By chance inside a call; most are not.
  for (let i = 0; i < 30; i++) {
    await store(database, { service: 'public', kind: 'server', ago: 59_980 - i * 137, took: 5 });
  }
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
});

test('spans two days ahead: CLOCK_WRONG, until right ones follow', async (t) => {
  const database = await workDatabase();
  await store(database, { service: 'shop', ago: -2 * 86_400_000, took: 5 });
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'CLOCK_WRONG', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
  await store(database, { service: 'shop', ago: -1_000, took: 5 });
  assert.deepEqual(accused(await ask(database.url, [])), []);
});

test('an execution id under another name: EXECUTION_ID_UNDER_OTHER_NAME', async (t) => {
  const database = await workDatabase();
  for (let i = 0; i < 3; i++) {
    await store(database, { service: 'shop', ago: 1_000, took: 5, metadata: { execution_id: 40 + i } });
  }
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'EXECUTION_ID_UNDER_OTHER_NAME', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
});

test('failures without a reason, as exceptions leave them that went as log records to nobody: EXCEPTIONS_NOT_SENT', async (t) => {
  const database = await workDatabase();
  for (let i = 0; i < 3; i++) await store(database, { service: 'shop', ago: 1_000, took: 5 });
  await database.client.query(`update beacon.trace_spans set status = 'failed'`);
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'EXCEPTIONS_NOT_SENT', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
  await database.client.query(
    `insert into beacon.trace_logs (trace_id, recorded_at, event_name, content_hash) select trace_id, now(), 'exception', 1 from beacon.trace_spans limit 1`,
  );
  assert.deepEqual(accused(await ask(database.url, [])), []);
});

test('ids of another table: IDS_OF_ANOTHER_TABLE', async (t) => {
  const database = await workDatabase();
  await database.client.query('insert into app.work default values');
  for (let i = 0; i < 4; i++) await store(database, { service: 'shop', ago: 1_000, took: 5, execution: 900_000 + i });
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'IDS_OF_ANOTHER_TABLE', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
});

test('a table of executions that is not registered: EXECUTIONS_NOT_REGISTERED', async (t) => {
  const database = await workDatabase();
  await database.client.query(`delete from beacon.trace_records;
    create table public.executions (id bigint primary key, created_at timestamptz default now()); insert into executions values (1)`);
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  const diagnosis = await ask(database.url, [app]);
  assert.equal(judge(t, 'EXECUTIONS_NOT_REGISTERED', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
  await kill(app);
});

test('asked about one service, what became of another is a remark', async (t) => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  await database.client.query(`insert into beacon.tracers (tracer_id, service, instance, pid, flag, flag_source, versions, started_at, heartbeat_at)
    values (gen_random_uuid(), 'stopped', 'elsewhere:1', 1, 'true', 'environment', '{}', now() - interval '61 seconds', now() - interval '60 seconds')`);
  assert.deepEqual(accused(await ask(database.url, [app])), ['EXIT_BEFORE_FLUSH']);
  const diagnosis = await ask(database.url, [app], { only: true });
  assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
  assert.match(diagnosis.notes.map(({ summary }) => summary).join(), /stopped ended before its spans were written/);
  await kill(app);
});

test('a constraint that refused spans and was dropped: it is not accused any more', async (t) => {
  const database = await workDatabase();
  await database.client.query(
    'alter table beacon.trace_spans add constraint small_enough check (octet_length(metadata::text) < 10000)',
  );
  const app = await startApp({ DATABASE_URL: database.url, FAULT: 'too large' });
  await work(app, 2);
  await until('one is refused', async () => (await refused(app.url)) > 0);
  assert.deepEqual(accused(await ask(database.url, [app])), ['REFUSED']);
  await database.client.query('alter table beacon.trace_spans drop constraint small_enough');
  const diagnosis = await ask(database.url, [app]);
  assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
  await kill(app);
});

async function refused(url: string): Promise<number> {
  const health = (await (await fetch(`${url}/health/tracing`)).json()) as { spansDropped: { rejected?: number } };
  return health.spansDropped.rejected ?? 0;
}

test('a process that is killed in its first seconds: EXIT_BEFORE_FLUSH, not code that was never entered', async (t) => {
  const database = await workDatabase();
  await database.client.query(`update beacon.settings set value = '30' where name = 'lost_after_seconds'`);
  const app = await startApp({ DATABASE_URL: database.url });
  await until('its heartbeat', async () => (await database.client.query('select from beacon.tracers')).rows.length > 0);
  await database.client.query('insert into app.work default values');
  await kill(app);
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'EXIT_BEFORE_FLUSH', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
});
