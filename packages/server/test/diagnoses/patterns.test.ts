// Forty failures are one cause: what the executions of the same hour say together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { db, of, draw, again } = await verdicts();

function run(region: string, model: string, end: string, code = 'ECONNREFUSED'): string {
  const failed = end === 'x' ? `error=${code}` : '';
  return `
  runner run    |======${end}| kind=consumer region=${region} model=${model} ${failed}
    router POST | ====${end} | kind=client peer.service=gpu ${failed}
`;
}

/** So many executions an hour of its own, in each region, with each model. */
async function hour(at: Date, outcomes: [region: string, model: string, end: string, times: number][]) {
  for (const [region, model, end, times] of outcomes) {
    for (let i = 0; i < times; i++) await draw(run(region, model, end), { at });
  }
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);

test('a region in which everything fails, while others work, is down', async () => {
  const at = hoursAgo(3);
  await hour(at, [
    ['eu', 'm1', 'x', 2],
    ['eu', 'm2', 'x', 3],
    ['us', 'm1', '=', 3],
    ['us', 'm2', '=', 3],
  ]);
  const best = accuses(await of(run('eu', 'm1', 'x'), { at }), 'REGION_OUTAGE', 'gpu');
  assert.equal(best.evidence.failed_there, '6 of 6');
  assert.deepEqual(best.evidence.replaces, ['CONNECTION_FAILURE of gpu']);
});

test('a region that fails like all others is not the cause', async () => {
  const at = hoursAgo(6);
  await hour(at, [
    ['eu', 'm1', 'x', 6],
    ['us', 'm1', 'x', 6],
  ]);
  const found = await of(run('eu', 'm1', 'x'), { at });
  acquits(found, 'REGION_OUTAGE');
  accuses(found, 'CONNECTION_FAILURE', 'gpu');
});

test('three failures in a region are a remark, and the failure itself stays first', async () => {
  const at = hoursAgo(9);
  await hour(at, [
    ['eu', 'm1', 'x', 2],
    ['us', 'm1', '=', 4],
  ]);
  const found = await of(run('eu', 'm1', 'x'), { at });
  accuses(found, 'CONNECTION_FAILURE', 'gpu');
  assert.ok(found.some(({ type, role }) => type === 'REGION_OUTAGE' && role === 'remark'));
});

test('a region that refuses for too many requests is rate limited, not down', async () => {
  const at = hoursAgo(12);
  for (let i = 0; i < 6; i++) {
    await draw(run('eu', 'm1', 'x', '429'), { at });
    await draw(run('us', 'm1', '='), { at });
  }
  const found = await of(
    run('eu', 'm1', 'x', 'rate_limit_exceeded').replaceAll('error=', 'http.response.status_code=429 error='),
    { at },
  );
  accuses(found, 'RATE_LIMITED', 'gpu');
  acquits(found, 'REGION_OUTAGE');
});

test('an outage of another hour is another matter', async () => {
  await hour(hoursAgo(18), [
    ['eu', 'm1', 'x', 6],
    ['us', 'm1', '=', 6],
  ]);
  acquits(await of(run('eu', 'm1', 'x'), { at: hoursAgo(15) }), 'REGION_OUTAGE');
});

test('a model that fails in every region, while others work, does not work', async () => {
  const at = hoursAgo(21);
  await hour(at, [
    ['eu', 'bad', 'x', 3],
    ['us', 'bad', 'x', 3],
    ['eu', 'good', '=', 4],
    ['us', 'good', '=', 4],
  ]);
  const best = accuses(await of(run('us', 'bad', 'x'), { at }), 'MODEL_UNAVAILABLE', 'gpu');
  assert.equal(best.evidence.failed_with_it, '7 of 7');
});

test('a model that fails once is not unavailable', async () => {
  const at = hoursAgo(24);
  await hour(at, [
    ['eu', 'bad', '=', 5],
    ['eu', 'good', '=', 6],
  ]);
  acquits(await of(run('eu', 'bad', 'x'), { at }), 'MODEL_UNAVAILABLE');
});

test('what speaks against a cause stands beside it', async () => {
  const at = hoursAgo(27);
  for (let i = 0; i < 4; i++) await draw('app work |===| kind=consumer\n  far GET | = | kind=server', { at });
  const [best] = await of(
    'app work |==x| kind=consumer error=500\n  app GET | =x | kind=client error=500 http.response.status_code=500\n    far GET | x | kind=server http.response.status_code=500',
    { at },
  );
  assert.deepEqual(best?.evidence.counter_evidence, ['4 of 4 other traces of that hour through far went well.']);
});

test('the blast radius of a failure is every execution that failed in the same way, and no other', async () => {
  const at = hoursAgo(30);
  const mine = await draw(run('eu', 'm1', 'x', 'EPIPE'), { at });
  const same = await draw(run('us', 'm2', 'x', 'EPIPE'), { at });
  await draw(run('us', 'm2', 'x', 'ENOTFOUND'), { at });
  await draw(run('us', 'm2', '='), { at });
  const { rows } = await db.client.query(
    'select execution_id, region, outcome, service, error_type, affected from blast_radius($1)',
    [mine.executionId],
  );
  assert.deepEqual(rows, [
    {
      execution_id: String(same.executionId),
      region: 'us',
      outcome: 'failed',
      service: 'router',
      error_type: 'EPIPE',
      affected: '1',
    },
  ]);
  assert.equal((await again(same))[0]?.type, 'CONNECTION_FAILURE');
});

test('a healthy execution has no blast radius', async () => {
  const well = await draw(run('eu', 'm1', '='), { at: hoursAgo(33) });
  const { rows } = await db.client.query('select * from blast_radius($1)', [well.executionId]);
  assert.deepEqual(rows, []);
});
