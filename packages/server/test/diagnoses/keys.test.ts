// An execution may be named by an integer or by any text: what is said of it is the same.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { TWINS } from './pictures.ts';
import { verdicts } from './verdicts.ts';

const { db, draw } = await verdicts();
const { client } = db;

/** Names that an execution has in schemas that are not ours. */
const KEYS = [
  () => randomUUID(),
  (n: number) => `run-${n}`,
  (n: number) => `01JD8X7Q9W3VZ5T2K6M4N8P0${n + 10}`,
  (n: number) => `007${n}`,
  (n: number) => `184467440737095516${n + 10}`,
  (n: number) => `o'neill / \u00fc \\ % ${n}`,
];

/** The same traces, whose execution has a text for its key now. */
async function rename(id: number, key: string): Promise<void> {
  for (const table of ['trace_spans', 'traces', 'trace_executions']) {
    await client.query(
      `update beacon.${table} set execution_id = null, execution_key = $2 where execution_id = $1::bigint`,
      [id, key],
    );
  }
}

/** What every function that is asked about one execution says of it; its own name aside. */
async function everything(key: number | string): Promise<unknown[]> {
  const said = [];
  for (const call of [
    'identify_root_cause($1)',
    'diagnose_execution_trace($1)',
    'find_timeout_root_cause($1, 5)',
    'compare_with_successful($1)',
    'find_similar_traces($1, 5)',
    'blast_radius($1, 5)',
  ]) {
    const type = typeof key === 'number' ? '$1::bigint' : '$1::text';
    const { rows } = await client.query(`select * from ${call.replace('$1', type)}`, [key]);
    const name = JSON.stringify(String(key)).slice(1, -1);
    said.push([call, JSON.parse(JSON.stringify(rows).replaceAll(`Execution ${name} `, 'It '))]);
  }
  return said;
}

for (const [n, { type, cases }] of TWINS.entries()) {
  test(`${type}: the verdict on an execution does not depend on what kind of key it has`, async () => {
    const hour = Date.now() - (n + 2) * 3_600_000;
    // A neighbour with a key of either kind, so that there is something to compare with.
    await draw('app work |==| kind=consumer', { at: new Date(hour - 60_000) });
    const [picture] = cases[0]!;
    const { executionId } = await draw(picture, { at: new Date(hour) });
    const key = KEYS[n % KEYS.length]!(n);
    const before = await everything(executionId!);
    await rename(executionId!, key);
    assert.deepEqual(await everything(key), before);
    assert.deepEqual(
      (await client.query('select count(*)::int as n from identify_root_cause($1::bigint)', [executionId])).rows,
      [{ n: 1 }],
      'the integer names nothing any more',
    );
  });
}

test('a text of digits means the integer, a UUID is one in either case, and other texts are themselves', async () => {
  const { executionId } = await draw('app work |==x| kind=consumer error=ECONNREFUSED');
  const types = async (key: string) =>
    (await client.query('select type from identify_root_cause($1::text)', [key])).rows.map((row) => row.type);
  assert.deepEqual(await types(String(executionId)), ['CONNECTION_FAILURE']);
  assert.deepEqual(await types(`0${executionId}`), ['UNTRACED']);
  const key = randomUUID();
  await rename(executionId!, key);
  assert.deepEqual(await types(key.toUpperCase()), ['CONNECTION_FAILURE']);
  assert.deepEqual(await types(String(executionId)), ['UNTRACED']);
  const parts = await client.query(
    `select execution_number(k) as number, execution_key(k) as key
    from unnest(array['0', '-5', '-0', '9223372036854775807', '-9223372036854775808', '9223372036854775808', '']) k`,
  );
  assert.deepEqual(
    parts.rows.map(({ number, key }) => [number, key]),
    [
      ['0', null],
      ['-5', null],
      [null, '-0'],
      ['9223372036854775807', null],
      ['-9223372036854775808', null],
      [null, '9223372036854775808'],
      [null, null],
    ],
  );
});

test('of a trace that several executions share, each key sees its own branch', async () => {
  const { traceId, executionId } = await draw(`
    job batch   |==========| kind=consumer
      app one   | ===      |
      app two   |     ===x | error=ECONNREFUSED`);
  const [one, two] = [randomUUID(), 'run-2'];
  await client.query('update trace_spans set execution_id = null where execution_id = $1', [executionId]);
  for (const [operation, key] of [
    ['one', one],
    ['two', two],
  ]) {
    await client.query('update trace_spans set execution_key = $1 where trace_id = $2 and operation = $3', [
      key,
      traceId,
      operation,
    ]);
  }
  await client.query('delete from trace_executions where trace_id = $1', [traceId]);
  await client.query('select recount_traces(array[$1]::uuid[])', [traceId]);
  const operations = async (key: string) =>
    (await client.query('select operation from diagnose_execution_trace($1)', [key])).rows.map((row) => row.operation);
  assert.deepEqual(await operations(one), ['batch', 'one']);
  assert.deepEqual(await operations(two), ['batch', 'two']);
  const drawn = await client.query('select execution_key, operation from trace_waterfall where trace_id = $1', [
    traceId,
  ]);
  assert.equal(drawn.rows.length, 4);
  const { rows } = await client.query('select execution_id, execution_key from traces where trace_id = $1', [traceId]);
  assert.deepEqual(rows, [{ execution_id: null, execution_key: [one, two].sort()[0] }]);
});
