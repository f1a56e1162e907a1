// What a job cost: prices by day, region and provider; cached and reasoning tokens once; unknown is never 0.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { jobCosts, outageCost } from '../../src/queries/costs.ts';
import { parseCsv } from '../../src/queries/csv.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';
import { run } from '../cli/run.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 1 });
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-prices-'));
after(async () => {
  await pool.end();
  fs.rmSync(dir, { recursive: true, force: true });
});
const one = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows[0];
const imported = (file: string) => run(['import-prices', file], { DATABASE_URL: url });
const EXAMPLE = path.join(import.meta.dirname, '../../../../examples/prices.csv');

test('the example is imported twice and is there once; a wrong row is named', async () => {
  assert.match((await imported(EXAMPLE)).out, /^Imported 4 prices/);
  await imported(EXAMPLE);
  assert.equal((await one('select count(*)::integer as n from beacon.prices')).n, 4);
  const file = path.join(dir, 'wrong.csv');
  fs.writeFileSync(file, 'model,valid_from,input,output\na,2026-01-01,1,2\nb,2026-01-01,-1,2\n');
  const { code, err } = await imported(file);
  assert.deepEqual([code, /row 2, input: /.test(err)], [2, true], err);
});

test('cached tokens are paid once, tokens of reasoning once, and by what the provider counts in', async () => {
  const cost = async (
    tokens: (number | null)[],
    model: string,
    provider: string | null = null,
    region: string | null = null,
    at = '2026-11-01',
  ) =>
    (
      await one(
        `select (select beacon.token_cost($1, $2, $3, $4, p) from beacon.price_of($5, null, $6, $7, $8::timestamptz) p)::double precision as c`,
        [...tokens, model, provider, region, at],
      )
    ).c;
  const million = 1e6;
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`);
  near(await cost([million, 0, 0, 0], 'example-small'), 0.15);
  near(await cost([million, 0, 400_000, 0], 'Example-Small'), 0.6 * 0.15 + 0.4 * 0.04);
  near(await cost([0, million, 0, 300_000], 'example-small'), 0.6);
  near(await cost([million, 0, 0, 0], 'example-small', null, 'EU-west'), 0.17);
  near(await cost([million, 0, 0, 0], 'example-small', null, null, '2026-06-30T23:59:59Z'), 0.2);
  // This provider does not count what came from its cache, and any request costs something.
  near(await cost([million, 0, million, 0], 'example-large', 'example-provider'), 3.3 + 0.001);
  assert.equal(await cost([million, 0, 0, 0], 'example-large', 'another'), null);
  assert.equal(
    await cost([million, 0, 0, 0], 'example-small', null, null, '2025-12-31'),
    null,
    'before its first price',
  );
  assert.equal(await cost([million, null, 0, 0], 'example-small'), null, 'half of the tokens is no cost');
  // More cached than read: not counted in, whatever the row says.
  near(await cost([1000, 0, million, 0], 'example-small'), 0.001 * 0.15 + 0.04);
});

test('a job is split into answers, retries and failures with their causes; what has no price is counted, not 0', async () => {
  const attempts = [
    [1, 1, 'example-small', 'failed', 'rate_limit_exceeded', 'RATE_LIMITED', 500_000, 0],
    [1, 2, 'example-small', 'completed', null, null, 1_000_000, 1_000_000],
    [2, 1, 'example-small', 'failed', 'timeout', 'NETWORK_TIMEOUT', 2_000_000, 0],
    [3, 1, 'example-small', 'failed', 'timeout', 'NETWORK_TIMEOUT', null, null],
    [4, 1, 'no price', 'completed', null, null, 1000, 1000],
  ];
  await client.query(
    `insert into beacon.answers (execution_id, attempt, job_id, model_id, region, question_id, status, error_type, verdict, input_tokens,
       output_tokens, answer_chars, answer_group, started_at, finished_at, source)
     select (a ->> 0)::bigint, (a ->> 1)::integer, 'costly', a ->> 2, 'us-east', 'q' || (a ->> 0), a ->> 3, a ->> 4, a ->> 5, (a ->> 6)::bigint,
       (a ->> 7)::bigint, case when a ->> 3 = 'completed' then 3 end, case when a ->> 3 = 'completed' then 1 end, '2026-11-02', '2026-11-02',
       'runner'
     from jsonb_array_elements($1) a`,
    [JSON.stringify(attempts)],
  );
  const { rows } = await runQuery(pool, jobCosts, { job_id: 'costly' });
  const parts = Object.fromEntries(rows.map((row) => [row.part, [row.attempts, row.unknown, row.cost]]));
  assert.deepEqual(parts, {
    all: [5, 2, 0.075 + 0.75 + 0.3],
    answered: [2, 1, 0.75],
    retries: [1, 0, 0.075],
    'not answered': [2, 1, 0.3],
    'cause: NETWORK_TIMEOUT': [2, 1, 0.3],
    'cause: RATE_LIMITED': [1, 0, 0.075],
  });
  assert.match(
    String(rows[0]?.said),
    /^USD 1\.125\d* and whatever 2 of 5 attempts cost: their price or tokens are not known$/,
  );
  const outage = async (execution: string) => (await runQuery(pool, outageCost, { execution_id: execution })).rows[0];
  // Execution 1 was tried again: what that cost is the outage's, too.
  assert.deepEqual(await outage('1'), {
    ...{ type: 'RATE_LIMITED', job_id: 'costly', attempts: 1, cells: 1, unanswered: 0, currency: 'USD' },
    ...{ failed_cost: 0.075, retry_cost: 0.75, cost: 0.825, unknown: 0 },
    said: 'RATE_LIMITED hit 1 cell in job costly: 1 attempt failed, 0 left without an answer. Known cost USD 0.825000, of which 0.750000 for trying again.',
  });
  const network = await outage('3');
  assert.deepEqual(
    [network?.cells, network?.unanswered, network?.cost, network?.unknown],
    [2, 2, 0.3, 1],
    'unknown is counted, and is not 0',
  );
  assert.match(String(network?.said), /price or tokens of 1 of 2 attempts are not known/);
  assert.equal(await outage('4'), undefined, 'it did not fail');
  const cells = await client.query(
    `select execution_id, cost::double precision from beacon.execution_cells('costly', false) order by 1`,
  );
  assert.deepEqual(
    cells.rows.map(({ cost }) => cost),
    [0.75, 0.3, null, null],
  );
});

test('comma-separated values keep commas, quotes and line ends inside quotes', () => {
  assert.deepEqual(parseCsv('# remark\nid,question\r\n1,"a, ""b""\nc"\n2,\n'), [
    { id: '1', question: 'a, "b"\nc' },
    { id: '2', question: '' },
  ]);
  assert.deepEqual(parseCsv('a,b\n1,'), [{ a: '1', b: '' }]);
  assert.throws(() => parseCsv('a,b\n1\n'), /Line 2 has 1 fields, the header 2/);
  assert.throws(() => parseCsv('a\n"b\n'), /not closed/);
});
