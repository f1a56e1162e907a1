import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw } from '@project-beacon/testkit';
import { runnerDatabase } from '../../../../services/runner/test/database.ts';
import { spawnRunner } from '../../../../services/runner/test/service.ts';
import { submitJob } from '../../src/queries/actions.ts';
import { jobMatrix, jobs } from '../../src/queries/jobs.ts';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';

const database = await runnerDatabase();
const { client } = database;
const pool = createPool(database.url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const rows = async (operation: Query, params: Record<string, unknown> = {}) =>
  (await runQuery(pool, operation, params)).rows;
const job = async (id: string, params: Record<string, unknown> = {}) =>
  (await rows(jobs, params)).find(({ job_id }) => job_id === id);

/** An execution of the runner's table. */
async function execution(of: number, values: Record<string, unknown>): Promise<number> {
  const row = {
    job_id: of,
    model_id: 'm1',
    region: 'eu',
    question: 'why',
    status: 'completed',
    max_attempts: 2,
    ...values,
  };
  const ended = ['completed', 'failed', 'cancelled'].includes(row.status);
  const all = {
    ...row,
    ...(ended ? { completed_at: new Date() } : {}),
    ...(row.status === 'processing' ? { lease: '00000000-0000-0000-0000-000000000001' } : {}),
  };
  const names = Object.keys(all);
  const { rows: made } = await client.query(
    `insert into runner.executions (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
    Object.values(all),
  );
  return Number(made[0].id);
}

async function newJob(): Promise<number> {
  const { rows: made } = await client.query(
    `insert into runner.jobs (models, regions, questions, request_hash) values ('{m1}', '{eu}', '{why}', 'h') returning id`,
  );
  return Number(made[0].id);
}

const GENERATED = `
  runner execution.run         |=====| kind=consumer model=m1 region=eu
    runner POST                | === | kind=client gen_ai.usage.input_tokens=7 gen_ai.usage.output_tokens=30
      inference model.generate | === | gen_ai.usage.input_tokens=7 gen_ai.usage.output_tokens=30
      inference model.generate | === | gen_ai.usage.input_tokens=5 gen_ai.usage.output_tokens=12
`;
const REFUSED = `
  runner execution.run               |===x| kind=consumer error=rate_limit_exceeded region=us
    runner POST                      |==x | kind=client error=rate_limit_exceeded http.response.status_code=429
      router POST /inference         |==x | kind=server error=rate_limit_exceeded http.response.status_code=429
`;

test('a job is told with what has ended, failed, waits, has a trace, and how long it takes', async () => {
  const id = await newJob();
  const done = await execution(id, { output_data: { answer: 'because' }, duration_ms: 100 });
  const failed = await execution(id, {
    region: 'us',
    status: 'failed',
    error_type: 'rate_limit_exceeded',
    duration_ms: 300,
  });
  await execution(id, { model_id: 'm2', status: 'processing' });
  await execution(id, {
    model_id: 'm2',
    region: 'us',
    status: 'pending',
    created_at: new Date(Date.now() - 20 * 86_400_000),
  });
  await draw(client, GENERATED, { execution: done, job: String(id) });
  await draw(client, REFUSED, { execution: failed, job: String(id) });
  const { created_at, ...told } = (await job(String(id))) ?? {};
  assert.deepEqual(told, {
    job_id: String(id),
    status: 'running',
    executions: 4,
    finished: 2,
    failed: 1,
    running: 2,
    traced: 2,
    coverage_pct: 50,
    models: ['m1', 'm2'],
    regions: ['eu', 'us'],
    questions: 1,
    finished_at: null,
    p50_ms: 200,
    p95_ms: 290,
  });
  assert.ok(String(created_at) < new Date(Date.now() - 19 * 86_400_000).toISOString(), 'the job is told whole');
  assert.equal(await job(String(id), { from: '1h', to: '30m' }), undefined);
});

test('a matrix has a cell an execution: outcome, trace, latency, tokens, verdict, emptiness', async () => {
  const id = await newJob();
  const done = await execution(id, { output_data: { answer: 'because' }, duration_ms: 123 });
  const empty = await execution(id, { model_id: 'm2', output_data: { answer: '  ', output_tokens: 0 } });
  const failed = await execution(id, { model_id: 'm3', status: 'failed', error_type: 'rate_limit_exceeded' });
  await draw(client, REFUSED, { execution: done, job: String(id), at: new Date(Date.now() - 3_600_000) });
  const last = await draw(client, GENERATED, { execution: done, job: String(id) });
  await draw(client, REFUSED, { execution: failed, job: String(id) });
  const recovery = 'runner execution.recover |==|';
  await draw(client, recovery, { execution: failed, job: String(id), at: new Date(Date.now() - 60_000) });
  const cells = await rows(jobMatrix, { job_id: String(id) });
  assert.deepEqual(
    cells.map(({ execution_id }) => Number(execution_id)),
    [done, empty, failed],
  );
  const [first, second, third] = cells;
  assert.equal(String(first?.trace_id).replaceAll('-', ''), last.traceId, 'the newest trace');
  assert.deepEqual(
    [
      first?.status,
      first?.traced,
      first?.latency_ms,
      first?.tokens_in,
      first?.tokens_out,
      first?.verdict,
      first?.output_empty,
    ],
    ['completed', true, 123, 12, 42, null, false],
  );
  assert.deepEqual([second?.traced, second?.trace_id, second?.output_empty], [false, null, true]);
  assert.deepEqual(
    [third?.status, third?.error_type, third?.verdict, third?.output_empty],
    ['failed', 'rate_limit_exceeded', 'RATE_LIMITED', null],
  );
});

test('of many ways to fail the five commonest are diagnosed, and the others say what failed', async () => {
  const id = await newJob();
  const codes = [
    'rate_limit_exceeded',
    'out_of_memory',
    'invalid_api_key',
    'model_not_found',
    'circuit_open',
    'odd_code',
  ];
  for (const [i, code] of codes.entries()) {
    const failed = await execution(id, { question: `why ${i}`, status: 'failed', error_type: code });
    const picture = `runner execution.run |==x| kind=consumer error=${code}`;
    await draw(client, picture, { execution: failed, job: String(id) });
  }
  const cells = await rows(jobMatrix, { job_id: String(id) });
  assert.equal(cells.filter(({ verdict }) => verdict !== null).length, 5);
  assert.deepEqual(cells.map(({ error_type }) => error_type).sort(), codes.toSorted());
});

test('a job that only spans know is told from them', async () => {
  const names = { job: 'nightly' };
  await draw(client, GENERATED, { execution: 9001, ...names });
  await draw(client, REFUSED, { execution: 9002, ...names });
  await draw(client, 'worker tick |==| region=eu', { execution: null, ...names });
  const told = await job('nightly');
  assert.deepEqual(
    [told?.status, told?.executions, told?.failed, told?.traced, told?.questions, told?.regions],
    ['failed', 3, 1, 3, 0, ['eu', 'us']],
  );
  const cells = await rows(jobMatrix, { job_id: 'nightly' });
  assert.deepEqual(cells.map(({ status }) => status).sort(), ['completed', 'completed', 'failed']);
  assert.ok(cells.every(({ traced, trace_id }) => traced && trace_id));
  assert.equal(cells.find(({ execution_id }) => execution_id === '9002')?.verdict, 'RATE_LIMITED');
});

test('a job that is not there is no empty answer, whatever its id looks like', async () => {
  for (const job_id of ['404', 'no such', `'; drop table runner.jobs; --`, '99999999999999999999']) {
    await assert.rejects(rows(jobMatrix, { job_id }), { code: 'not_found', message: /no job/ }, job_id);
  }
});

test('names of registered tables are quoted, and what is gone does no harm', async () => {
  await client.query(`
    create schema "odd ""schema";
    create table "odd ""schema"."select" ("id; --" integer, "the job" uuid, "from" text, "when" timestamptz default now(), answer text);
    insert into "odd ""schema"."select" values (77001, '00000000-0000-0000-0000-000000000007', 'error', now(), ''), (77002, '00000000-0000-0000-0000-000000000007', 'done', now(), 'x');
    insert into beacon.trace_records (name, relation, id_column, job_column, status_column, created_column, output_column, question_column)
    values ('odd', '"odd ""schema"."select"', 'id; --', 'the job', 'from', 'when', 'answer', 'gone'),
      ('gone', 'public.no_such_table', 'id', 'job', 'status', 'created_at', null, null),
      ('renamed', 'runner.executions', 'id', 'the_job', 'status', 'created_at', null, null)`);
  const told = await job('00000000-0000-0000-0000-000000000007');
  assert.deepEqual([told?.executions, told?.failed, told?.status], [2, 1, 'failed']);
  const cells = await rows(jobMatrix, { job_id: '00000000-0000-0000-0000-000000000007' });
  assert.deepEqual(
    cells.map(({ execution_id, status, output_empty, question }) => [execution_id, status, output_empty, question]),
    [
      ['77001', 'failed', null, null],
      ['77002', 'completed', false, null],
    ],
  );
  await client.query(`delete from beacon.trace_records where name in ('odd', 'gone', 'renamed')`);
});

test('a job is handed to the runner, which says what is wrong with it, once by its key', async () => {
  const { api, child } = await spawnRunner({ DATABASE_URL: database.url, HYBRID_ROUTER_URL: '' });
  const before = process.env.RUNNER_URL;
  after(() => {
    if (before === undefined) delete process.env.RUNNER_URL;
    else process.env.RUNNER_URL = before;
  });
  const submit = (params: Record<string, unknown>) => rows(submitJob, params);
  const wanted = { models: 'm1,m2', regions: ['eu'], questions: 'What is 2+2, roughly?', idempotency_key: 'once' };
  delete process.env.RUNNER_URL;
  await assert.rejects(submit(wanted), { code: 'unavailable', message: /RUNNER_URL is not set/ });
  process.env.RUNNER_URL = api.url;
  const [made] = await submit(wanted);
  assert.deepEqual([made?.executions, made?.replayed], [2, false]);
  assert.deepEqual(await submit(wanted), [{ ...made, replayed: true }]);
  const cells = await rows(jobMatrix, { job_id: made?.job_id });
  assert.deepEqual(
    cells.map(({ model_id, question }) => [model_id, question]),
    [
      ['m1', 'What is 2+2, roughly?'],
      ['m2', 'What is 2+2, roughly?'],
    ],
  );
  await assert.rejects(submit({ ...wanted, idempotency_key: 'x', regions: 'e u' }), {
    code: 'usage',
    message: /letters, digits/,
  });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  await assert.rejects(submit(wanted), { code: 'unavailable', message: /does not answer/ });
});
