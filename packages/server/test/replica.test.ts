// A server that reads from a streaming standby, and one that has nothing but the standby.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw } from '@project-beacon/testkit';
import { replicated } from '@project-beacon/testkit/standby.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { z } from 'zod';
import { defineQuery } from '../src/queries/query.ts';
import { runQuery } from '../src/queries/run.ts';
import { QUERIES } from '../src/registry.ts';
import { askSql } from '../src/sql-console/console.ts';
import { createPool } from '../src/store/connect.ts';
import { createReplicaPool } from '../src/store/replica.ts';
import { serve } from './http/server.ts';
import { BREAKOUTS } from './sql-console/breakouts.ts';

const { primary, standby, client, caughtUp, hold } = await replicated();
const writing = createPool(primary.url, { applicationName: 'test primary', max: 2 });
const reading = createReplicaPool(standby.url, writing, { applicationName: 'test replica', max: 4 });
const alone = createPool(standby.url, { applicationName: 'test standby', max: 4 });
after(() => writing.end());

const failing = (error: string, execution: number) =>
  draw(client, `runner execution.run |==x| kind=consumer error=${error}`, { execution });
const { traceId } = await failing('ECONNREFUSED', 1);
await caughtUp();
const server = await serve({ url: standby.url }, { pool: reading });

test('questions are answered by the replica; what it does not know yet, or must not be late, by the primary', async () => {
  const { port } = new URL(standby.url);
  const known = await server.ask('/api/v1/root-cause?execution_id=1');
  assert.match(known.body.database, new RegExp(`:${port}/`));
  assert.equal(known.body.rows[0].type, 'CONNECTION_FAILURE');
  const resume = await hold();
  await failing('ETIMEDOUT', 2);
  const search = await server.ask('/api/v1/search');
  assert.deepEqual(
    search.body.rows.map((row: { execution_id: string }) => row.execution_id),
    ['1'],
  );
  const fresh = await server.ask('/api/v1/search?fresh=true');
  assert.equal(fresh.body.rows.length, 2);
  assert.match(fresh.body.database, new RegExp(`:${new URL(primary.url).port}/`));
  const verdict = await server.ask('/api/v1/root-cause?execution_id=2');
  assert.deepEqual([verdict.status, verdict.body.rows[0]?.type], [200, 'SERVICE_TIMEOUT']);
  const { body } = await server.ask('/health');
  assert.ok(body.replica.lagBytes > 0, JSON.stringify(body.replica));
  await resume();
  await caughtUp();
  assert.equal((await server.ask('/api/v1/search')).body.rows.length, 2);
  assert.deepEqual((await server.ask('/api/v1/search?fresh=maybe')).status, 400);
});

test('lag is a row of the health page, on the replica only', async () => {
  const lag = async (path: string) =>
    (await server.ask(path)).body.rows.filter(({ item }: { item: string }) => item === 'replica_lag');
  const [row, ...more] = await lag('/api/v1/health');
  assert.deepEqual([row.unit, row.state, more.length], ['seconds', 'ok', 0]);
  assert.deepEqual(await lag('/api/v1/health?fresh=true'), []);
});

test('every query that needs no more than a database answers on a standby', async () => {
  const params: Record<string, Record<string, unknown>> = {
    trace: { trace_id: traceId },
    'attribute-values': { key: 'service' },
    differences: { status: 'error' },
    compare: { execution_a: '1', b: traceId },
    'critical-path': { trace_id: traceId },
    'job-matrix': { job_id: 'none' },
    'job-cells': { job_id: 'none' },
    answers: { job_id: 'none' },
    'job-validity': { job_id: 'none' },
    'job-costs': { job_id: 'none' },
    'job-scores': { job_id: 'none' },
    'job-differences': { job_id: 'none' },
    'compare-jobs': { job_a: 'none', job_b: 'other' },
    'job-comparison': { job_a: 'none', job_b: 'other' },
    gate: { job_id: 'none', against: 'other' },
    sql: { statement: 'select count(*) from trace_spans' },
  };
  const execution = new Set(QUERIES.filter(({ params: { shape } }) => 'execution_id' in shape).map(({ name }) => name));
  for (const query of QUERIES) {
    if (query.mutates || ['doctor', 'receipts', 'span'].includes(query.name)) continue;
    const given = params[query.name] ?? (execution.has(query.name) ? { execution_id: '1' } : {});
    await assert.doesNotReject(
      runQuery(alone, query, given).catch((error) => {
        if (error.code !== 'not_found') throw error;
      }),
      query.name,
    );
  }
});

test('the SQL console answers on a standby and refuses there what it refuses on the primary, in the same words', async () => {
  const limits = { rows: 10, bytes: 1_048_576, timeoutMs: 5_000 };
  const ask = (pool: typeof alone, sql: string) => askSql(pool, sql, limits, new AbortController().signal);
  const answer = await ask(alone, 'select service, status from trace_spans order by started_at;');
  assert.equal(answer.rows.length, 2);
  const path = await ask(alone, `select service from critical_path('${traceId}')`);
  assert.equal(path.rows.length, 1);
  for (const sql of Object.values(BREAKOUTS).flat()) {
    const said = async (pool: typeof alone) => {
      try {
        await ask(pool, sql);
        return 'answered';
      } catch (error) {
        return `${(error as { code?: string }).code}: ${(error as Error).message}`;
      }
    };
    assert.equal(await said(alone), await said(writing), sql);
  }
});

test('a query in the way of the primary is asked of the primary; where that is not known, the error says what to do', async () => {
  const slow = defineQuery({
    name: 'slow',
    doc: 'Reads a table slowly on a standby.',
    params: {},
    row: z.object({ id: z.number() }),
    limit: { default: 1, max: 1 },
    sql: () => ({ text: 'select g.id from public.going g, pg_sleep(pg_is_in_recovery()::integer * 60)', values: [] }),
  });
  const interrupted = async (pool: typeof alone) => {
    await client.query('create table public.going as select 7 as id');
    await caughtUp();
    const answer = runQuery(pool, slow, {}).catch((error) => error);
    await until('the standby is at it', async () => {
      const { rows } =
        await alone.query(`select from pg_stat_activity where state = 'active' and query like '%public.going%'
        and pid <> pg_backend_pid()`);
      return rows.length > 0;
    });
    await client.query('alter table public.going rename to gone; create table public.going as select 8 as id');
    const got = await answer;
    await client.query('drop table public.going, public.gone');
    return got;
  };
  assert.deepEqual((await interrupted(reading)).rows, [{ id: 8 }]);
  const error = await interrupted(alone);
  assert.deepEqual([error.code, /max_standby_streaming_delay/.test(error.hint)], ['busy', true]);
});

test('a server with nothing but a standby takes no spans, keeps nothing in order, and says how late it is', async () => {
  const only = await serve({ url: standby.url }, { pool: alone, maintenance: undefined });
  const { body } = await only.ask('/health');
  assert.equal(body.maintenance, null);
  assert.deepEqual([body.status, body.replica.lagBytes, body.replica.error], ['ok', null, null]);
  assert.equal((await only.ask('/ready')).status, 200);
});
