import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { QUERIES } from '../../src/registry.ts';
import { search, spans } from '../../src/search/queries.ts';
import { createPool } from '../../src/store/connect.ts';
import { run } from '../cli/run.ts';
import { settle, store, type TestSpan, traceId } from './store.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());

const HOUR = 3_600_000;
const now = Date.now();
const ago = (hours: number) => new Date(now - hours * HOUR).toISOString();
const said = async (of: Query, params: Record<string, unknown>) => {
  const { rows, truncated } = await runQuery(pool, of, params);
  assert.deepEqual(rows, [], of.name);
  return truncated;
};

const rare: TestSpan = {
  trace: traceId(),
  at: now - 40 * HOUR,
  service: 'old',
  job: 'nightly',
  attributes: { rare: 1 },
};
await store(client, [rare]);
const newestBefore = now - 30 * HOUR + 29;
for (let n = 0; n < 30; n++) await store(client, [{ trace: traceId(), at: newestBefore - n, service: 'usual' }]);
await store(client, [{ trace: traceId(), at: now - 2 * HOUR, service: 'usual', attributes: { rare: 2 } }]);
await settle(client);

const RANGED = QUERIES.filter((of) => 'from' in of.params.shape);
const asked: Record<string, Record<string, unknown>> = { 'attribute-values': { key: 'rare' } };

test('nothing in a time before, between or after what there is names the nearest on either side, whatever is asked', async () => {
  assert.ok(RANGED.length > 10);
  for (const each of RANGED) {
    const between = await said(each, { ...asked[each.name], from: ago(20), to: ago(10) });
    assert.match(between ?? '', /^Nothing at all from 20\S+ to 20\S+; the newest trace before it began at 20\S+Z: ask/);
    assert.ok(between?.includes(new Date(newestBefore).toISOString().slice(0, 23)), between ?? '');
    assert.ok(between?.includes(`the oldest trace after it began at ${ago(2).slice(0, 19)}`), between ?? '');
    const since = await said(each, { ...asked[each.name], from: ago(1) });
    assert.match(since ?? '', /^Nothing at all since 20\S+; the newest trace before it [^;]*an earlier from\.$/);
    const early = await said(each, { ...asked[each.name], from: '2019-01-01', to: '2019-01-02' });
    assert.match(early ?? '', /^Nothing at all from 2019\S+ to 2019\S+; the oldest trace after it [^;]*a later to\.$/);
  }
});

test('a filter names the nearest spans that fit it, and not those of others', async () => {
  for (const params of [{ q: 'rare=1' }, { q: 'service=old' }, { service: 'old' }, { job_id: 'nightly' }]) {
    const text = await said(search, { ...params, from: ago(35) });
    assert.match(
      text ?? '',
      /^Nothing that fits since 20\S+; a span that fits began before it, at 20/,
      JSON.stringify(params),
    );
    assert.ok(text?.includes(`at ${ago(40).slice(0, 19)}`), text ?? '');
  }
  const both = await said(spans, { q: 'has:rare', from: ago(31), to: ago(3) });
  assert.ok(both?.includes(ago(40).slice(0, 19)) && both.includes(ago(2).slice(0, 19)), both ?? '');
});

test('where the time has something else and nothing ever fits, nothing is claimed', async () => {
  assert.equal(await said(search, { q: 'rare=3', from: ago(48) }), null);
  assert.equal(await said(search, { status: 'failed', from: ago(48) }), null);
});

test('an empty page at the end of an answer is no empty answer', async () => {
  const { next } = await runQuery(pool, search, { from: ago(35), to: ago(20), limit: 30 });
  assert.equal(next, null);
  const first = await runQuery(pool, search, { from: ago(35), to: ago(20), limit: 29 });
  await client.query(`delete from beacon.traces where started_at < $1 and started_at > $2`, [ago(29), ago(31)]);
  assert.equal(await said(search, { after: first.next }), null);
});

test('the command line says it below the empty table', async () => {
  const { out, err, code } = await run(['search', '--from', '10m'], { DATABASE_URL: url });
  assert.deepEqual([code, out.trim().split('\n').length <= 1], [0, true], out);
  assert.match(err, /Nothing at all since .*the newest trace before it began at/);
});
