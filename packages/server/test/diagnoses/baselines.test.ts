import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { db, of, draw, again } = await verdicts();

const USUAL = `
  app work        |==========| kind=consumer
    db SELECT     |  ====    | kind=client
`;
const SLOW = `
  app work        |========================================| kind=consumer
    db SELECT     |  ===================================   | kind=client
`;

async function settle(): Promise<void> {
  await db.client.query(`update traces set updated_at = now() - interval '1 minute'`);
  await db.client.query('select settle_baselines()');
}

async function usuals({ executionId }: { executionId: number | null }) {
  const { rows } = await db.client.query('select u.* from usuals(execution_spans($1)) u', [executionId]);
  return rows;
}

test('without a baseline a slow call accuses nothing', async () => {
  assert.deepEqual(await of(SLOW), []);
});

test('a call far above what it usually takes is named, and not the span that merely contains it', async () => {
  for (let i = 0; i < 25; i++) await draw(USUAL);
  await settle();
  const slow = await draw(SLOW);
  const best = accuses(await again(slow), 'PERFORMANCE_DEGRADATION', 'db', 0.7);
  assert.equal(best.operation, 'SELECT');
  assert.ok((best.evidence.usual_p50_ms as number) > 35 && (best.evidence.usual_p50_ms as number) < 45);
});

test('the usual call is not accused', async () => {
  acquits(await of(USUAL));
});

test('a trace is never its own baseline', async () => {
  const lone = await draw('lone task |====| kind=consumer');
  await settle();
  assert.deepEqual(await usuals(lone), []);
  const next = await draw('lone task |====| kind=consumer');
  assert.deepEqual(
    (await usuals(next)).map((row) => row.calls),
    ['1'],
  );
});

const SIBLING = 'fresh answer |==| kind=consumer';
const SLOW_SIBLING = 'fresh answer |====================| kind=consumer';

test('on a fresh install a slow execution stands out from its siblings, and says what it was compared with', async () => {
  for (let i = 0; i < 6; i++) await draw(SIBLING, { job: 'young' });
  const [best] = await of(SLOW_SIBLING, { job: 'young' });
  assert.equal(`${best?.type} ${best?.service}`, 'PERFORMANCE_DEGRADATION fresh');
  assert.match(best?.summary ?? '', /no baseline yet: compared with 6 siblings of its job/);
});

test('an execution somewhat slower than its siblings, in which nothing failed, has no cause, only a remark', async () => {
  const took = (ms: number) => `steady answer |${'='.repeat(ms / 10)}| kind=consumer`;
  for (let i = 0; i < 8; i++) await draw(took(50), { job: 'steady' });
  const found = await of(took(130), { job: 'steady' });
  assert.deepEqual(
    found.map(({ type, role }) => `${type}: ${role}`),
    ['PERFORMANCE_DEGRADATION: remark'],
  );
});

test('a pause of a tenth of a second among a dozen quick siblings is a remark', async () => {
  const took = (ms: number) => `quick answer |${'='.repeat(ms / 10)}| kind=consumer`;
  for (let i = 0; i < 11; i++) await draw(took(20), { job: 'quick' });
  const found = await of(took(110), { job: 'quick' });
  assert.deepEqual(
    found.map(({ type, role }) => `${type}: ${role}`),
    ['PERFORMANCE_DEGRADATION: remark'],
  );
});

test('four siblings are too few to stand out from', async () => {
  for (let i = 0; i < 4; i++) await draw(SIBLING, { job: 'tiny' });
  acquits(await of(SLOW_SIBLING, { job: 'tiny' }));
});

test('siblings of another job are none', async () => {
  for (let i = 0; i < 6; i++) await draw(SIBLING, { job: 'elsewhere' });
  acquits(await of(SLOW_SIBLING, { job: 'alone' }));
});

test('a trace is counted once, however often baselines are settled', async () => {
  await draw('once task |==| kind=consumer');
  await settle();
  await settle();
  const { rows } = await db.client.query(`select sum(calls)::int as n from operation_baselines where service = 'once'`);
  assert.equal(rows[0].n, 1);
});

test('one monstrous call does not move the median or the 95th percentile of many', async () => {
  for (let i = 0; i < 40; i++) await draw('odd task |====| kind=consumer');
  await draw('odd task |====| kind=consumer', { scale: 100_000 });
  await settle();
  const [usual] = await usuals(await draw('odd task |====| kind=consumer'));
  assert.ok(usual.p95_ms < 50, JSON.stringify(usual));
});

test('every span of a diagnosed execution is shown with its share and what is usual', async () => {
  for (let i = 0; i < 30; i++) await draw(USUAL);
  await settle();
  const slow = await draw(SLOW);
  const { rows } = await db.client.query(
    'select operation, share_pct, on_critical_path, baseline_calls, anomaly from diagnose_execution_trace($1)',
    [slow.executionId],
  );
  assert.equal(rows.length, 2);
  assert.equal(rows[1].on_critical_path, true);
  assert.match(rows[1].anomaly, /times the usual/);
});

test('the critical path is the chain that decided the end, without gaps', async () => {
  const { traceId } = await draw(`
  app work     |==========|
    a short    | ==       |
    b long     | =====    |
    c last     |       == |
  `);
  const { rows } = await db.client.query('select operation, ms from critical_path($1)', [traceId]);
  assert.deepEqual(
    rows.map((row) => `${row.operation} ${row.ms}`),
    ['work 10', 'long 50', 'work 10', 'last 20', 'work 10'],
  );
});

test('failures that resemble each other are found by how they failed, not by model and region', async () => {
  const mine = await draw('app work |===x| kind=consumer error=timeout region=eu');
  const twin = await draw('app work |=====x| kind=consumer error=timeout region=us');
  const other = await draw('app work |===x| kind=consumer error=429 region=eu');
  const { rows } = await db.client.query('select execution_id, similarity, outcome from find_similar_traces($1, 2)', [
    mine.executionId,
  ]);
  assert.deepEqual(rows[0], { execution_id: String(twin.executionId), similarity: 1, outcome: 'failed' });
  assert.equal(rows[1].execution_id, String(other.executionId));
  assert.ok(rows[1].similarity < 0.5);
});

test('two traces are compared place by place', async () => {
  const a = await draw(`
  app work    |==========|
    db one    | ==       |
    db two    |    ==    |
  `);
  const b = await draw(`
  app work    |==================|
    db one    | ==========       |
    db three  |            ==    |
  `);
  const { rows } = await db.client.query('select change, operation from compare_traces($1, $2)', [
    a.traceId,
    b.traceId,
  ]);
  assert.deepEqual(
    rows.map((row) => `${row.change} ${row.operation}`),
    ['same work', 'slower one', 'added three', 'missing two'],
  );
});

test('the service whose behaviour changed ranks first between two windows', async () => {
  const day = (hours: number) => new Date(Date.now() - hours * 3_600_000);
  for (let i = 0; i < 30; i++) {
    await draw('shop view |====|\n  cart load | == |', { at: day(5), execution: null });
    await draw('shop view |==========|\n  cart load | ======== |', { at: day(2), execution: null });
  }
  const { rows } = await db.client.query('select service, reason from rank_root_causes($1, $2, $3, $4)', [
    day(3),
    day(1),
    day(6),
    day(4),
  ]);
  assert.equal(rows[0].service, 'cart');
  assert.match(rows[0].reason, /rose from 20.0 to 80.0 ms/);
  assert.equal(rows.length, 1);
});
