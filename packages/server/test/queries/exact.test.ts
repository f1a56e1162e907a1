// One value, one answer: what jsonb holds, every API tells with all its digits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { run } from '../cli/run.ts';
import { serve } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, request, span, text } from '../receivers/spans.ts';

const NUMBERS = ['780177723283783681', '-9223372036854775808', '9223372036854775807', '9007199254740993', '42', '0'];

const database = await testDatabase();
const server = await serve(database);
const otlp = await otlpServer(database);

const sent = span({
  attributes: NUMBERS.map((number, i) => int(`n${i}`, number)).concat(text('text', '780177723283783681')),
});
assert.equal((await otlp.post(request([sent]))).status, 200);
const [{ metadata }] = (
  await database.client.query("select metadata::text from trace_spans where span_id = decode($1, 'hex')", [sent.spanId])
).rows;

/** The attributes as they stand in an answer. */
function digitsIn(answer: string): string[] {
  return NUMBERS.map((_, i) => new RegExp(`"n${i}"\\s*:\\s*(-?[0-9.e+]+)`).exec(answer)?.[1] ?? 'missing');
}

test('integers beyond 2^53 keep their digits in SQL, over HTTP and on the command line', async () => {
  assert.deepEqual(digitsIn(metadata), NUMBERS);
  const where = `trace_id=${sent.traceId}&span_id=${sent.spanId}`;
  const statement = `select metadata from trace_spans where trace_id = '${sent.traceId}'::uuid`;
  const answers = {
    span: await (await fetch(`${server.url}/api/v1/span?${where}`)).text(),
    sql: await (
      await fetch(`${server.url}/api/v1/sql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ statement }),
      })
    ).text(),
    command: (await run(['span', String(sent.traceId), String(sent.spanId), '--json'], { DATABASE_URL: database.url }))
      .out,
  };
  for (const [name, answer] of Object.entries(answers))
    assert.deepEqual(digitsIn(answer), NUMBERS, `${name}: ${answer}`);
});

test('settings of the role change no answer', async () => {
  const { rows } = await database.client.query('select current_user as role, current_database() as name');
  const { role, name } = rows[0];
  const before = await (await fetch(`${server.url}/api/v1/waterfall?trace_id=${sent.traceId}`)).json();
  for (const setting of [
    "bytea_output = 'escape'",
    'extra_float_digits = -10',
    "datestyle = 'German, DMY'",
    "timezone = 'Asia/Tokyo'",
    'jit = on',
  ]) {
    await database.client.query(`alter role ${role} in database ${name} set ${setting}`);
  }
  const other = await serve(database);
  const after = await (await fetch(`${other.url}/api/v1/waterfall?trace_id=${sent.traceId}`)).json();
  assert.deepEqual(after.rows, before.rows);
  await database.client.query(`alter role ${role} in database ${name} reset all`);
});

test('a trace id of 16 digits is taken for the 32 that end with it', async () => {
  const short = 'a63ac35c9f6413ad';
  await otlp.post(request([span({ traceId: short.padStart(32, '0'), name: 'short' })]));
  const answer = await (await fetch(`${server.url}/api/v1/trace?trace_id=${short}`)).json();
  assert.match(JSON.stringify(answer.rows), /short/);
});
