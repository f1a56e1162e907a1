// PERFORMANCE_DEGRADATION, each time with the twin for which the same duration is usual.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { db, of, draw } = await verdicts();

/** Draws what is usual thirty times and lets the baselines settle. */
async function usually(...pictures: string[]): Promise<void> {
  for (let i = 0; i < 30; i++) for (const picture of pictures) await draw(picture);
  await db.client.query(`update traces set updated_at = now() - interval '1 minute'`);
  await db.client.query('select settle_baselines()');
}

const STATEMENT = (bar: string) => `
  shop order      |${'='.repeat(60)}| kind=consumer
    shop price    |${'='.repeat(58)}|
      store SELECT|${bar}| kind=client
`;
const MODEL = (model: string, bar: string) => `
  worker answer   |${'='.repeat(60)}| kind=consumer model=${model}
    gpu generate  |${bar}| kind=server model=${model}
`;
const REGION = (region: string, bar: string) => `
  cron report     |${'='.repeat(60)}| kind=consumer region=${region}
    mail send     |${bar}| kind=server region=${region}
`;
const SHORT = '==='.padEnd(60);
const LONG = '='.repeat(56);

test('a statement that takes far longer than usual is named, and none of the two spans around it', async () => {
  await usually(STATEMENT(SHORT));
  const best = accuses(await of(STATEMENT(LONG)), 'PERFORMANCE_DEGRADATION', 'store', 0.6);
  assert.equal(best.operation, 'SELECT');
});

test('the same statement in its usual time is not accused', async () => {
  acquits(await of(STATEMENT(SHORT)));
});

test('a call of a little more than twice what 95 of 100 stay below is a remark: of a thousand healthy ones, one is', async () => {
  const found = await of(STATEMENT('='.repeat(9)));
  acquits(found);
  assert.equal(found[0]?.type, 'PERFORMANCE_DEGRADATION');
});

test('slowness beside a failure is told after it, and after UNKNOWN', async () => {
  const found = await of(`
  shop order      |${'='.repeat(59)}x| kind=consumer error=PaymentFailed
    shop price    |${'='.repeat(58)}|
      store SELECT|${LONG}| kind=client
    bank charge   |${'='.repeat(57)}!| kind=server error=DeadlineExceeded
  `);
  acquits(found, 'PERFORMANCE_DEGRADATION');
  assert.equal(found[1]?.type, 'PERFORMANCE_DEGRADATION');
  assert.equal(found[1]?.role, 'remark');
});

test('a model that takes as long as only another model usually does is named', async () => {
  await usually(MODEL('small', SHORT), MODEL('large', LONG));
  const best = accuses(await of(MODEL('small', LONG)), 'PERFORMANCE_DEGRADATION', 'gpu', 0.6);
  assert.equal(best.operation, 'generate');
});

test('the other model, for which that is usual, is not accused', async () => {
  acquits(await of(MODEL('large', LONG)));
});

test('a region that takes as long as only another region usually does is named', async () => {
  await usually(REGION('near', SHORT), REGION('far', LONG));
  accuses(await of(REGION('near', LONG)), 'PERFORMANCE_DEGRADATION', 'mail', 0.6);
});

test('the other region, for which that is usual, is not accused', async () => {
  acquits(await of(REGION('far', LONG)));
});
