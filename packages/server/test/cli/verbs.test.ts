import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { draw, testDatabase } from '@project-beacon/testkit';
import { widthOf } from '../../src/cli/render/terminal.ts';
import { run } from './run.ts';

const { client, url } = await testDatabase();
const env = { DATABASE_URL: url };
const beacon = (...args: string[]) => run(args, env);

await draw(
  client,
  `
  runner execution.run     |==========| kind=consumer
    runner POST            | ======== | kind=client
      router POST /inference |  ======  | kind=server
  `,
  { execution: 1, job: 'job-1' },
);
const failed = await draw(
  client,
  `
  runner execution.run               |=========x| kind=consumer error=rate_limit_exceeded message="the provider refused: too many requests in this minute, ask again later"
    runner POST                      | =======x | kind=client error=rate_limit_exceeded http.response.status_code=429
      router POST /inference         |  =====x  | kind=server error=rate_limit_exceeded http.response.status_code=429
        router provider.call         |   ===x   | error=rate_limit_exceeded http.response.status_code=429 beacon.provider=first
          inference POST /v1/chat/completions |   ==x    | kind=server error=rate_limit_exceeded http.response.status_code=429
  `,
  { execution: 2, job: 'job-1' },
);

const LISTS = [
  ['trace', '2'],
  ['span', failed.traceId, failed.ids.get('runner execution.run') ?? ''],
  ['services'],
  ['operations'],
  ['dependencies'],
  ['series'],
  ['heatmap'],
  ['differences', '--status', 'error'],
  ['attribute-keys'],
  ['attribute-values', 'service'],
];

test('waterfall draws the tree, the times and the error under its span', async () => {
  const { code, out, err } = await beacon('waterfall', '2');
  assert.equal(code, 0);
  assert.equal(err, '');
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /^execution 2 · 5 spans from 3 services · 5 errors · 100 ms · started \d+ min ago$/);
  const call = lines.findIndex((line) => line.includes('provider.call'));
  assert.match(lines[call] ?? '', /^✖ router {11}└─ provider\.call .*40\.0 ms +━+$/);
  assert.match(lines[call + 1] ?? '', /↳ rate_limit_exceeded$/);
  assert.match(out, /↳ rate_limit_exceeded: the provider refused/);
});

test('a waterfall never wraps: it is cut, and says so', async () => {
  for (const columns of [40, 72, 100, 200]) {
    const { out } = await run(['waterfall', '2'], { ...env, COLUMNS: String(columns) });
    const longest = Math.max(...out.split('\n').map(widthOf));
    assert.ok(longest <= columns, `${longest} of ${columns} columns`);
    assert.equal(/… marks text cut/.test(out), columns < 200, `${columns}`);
  }
});

test('colour comes with FORCE_COLOR, never with NO_COLOR, and changes nothing else', async () => {
  const plain = (await beacon('waterfall', '2')).out;
  const coloured = (await run(['waterfall', '2'], { ...env, FORCE_COLOR: '1' })).out;
  assert.notEqual(coloured, plain);
  assert.equal(stripVTControlCharacters(coloured), plain);
  assert.equal((await run(['waterfall', '2'], { ...env, FORCE_COLOR: '1', NO_COLOR: '1' })).out, plain);
});

test('a trace is found by its id as uuid and as 32 digits', async () => {
  const byHex = await beacon('waterfall', failed.traceId);
  const uuid = failed.traceId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const byUuid = await beacon('waterfall', uuid);
  assert.equal(byHex.code, 0);
  assert.ok(byHex.out.includes(uuid));
  assert.equal(byUuid.out, byHex.out);
});

test('diagnose tells the cause first, then the spans, and exits with 1', async () => {
  const { code, out } = await beacon('diagnose', '2');
  assert.equal(code, 1);
  assert.match(out, /^RATE_LIMITED {2}in /);
  const order = ['confidence', 'Evidence', 'What to do', 'usual p50', 'beacon waterfall 2'].map((word) =>
    out.indexOf(word),
  );
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(!order.includes(-1));
});

test('diagnose finds nothing wrong with a good execution, and says why another has no trace', async () => {
  const good = await beacon('diagnose', '1');
  assert.equal(good.code, 0);
  assert.match(good.out, /^✔ No cause found/);
  const untraced = await beacon('diagnose', '404');
  assert.equal(untraced.code, 4);
  assert.match(untraced.out, /^UNTRACED/);
});

test('--json has a stable shape, with ids as text and bytes as hex', async () => {
  const diagnosis = JSON.parse((await beacon('diagnose', '2', '--json')).out);
  assert.deepEqual(Object.keys(diagnosis), [
    'execution_id',
    'causes',
    'cost',
    'spans',
    'truncated',
    'database',
    'schema',
  ]);
  assert.equal(diagnosis.causes[0].type, 'RATE_LIMITED');
  assert.match(diagnosis.causes[0].span_ids[0], /^[0-9a-f]{16}$/);
  assert.match(diagnosis.spans[0].span_id, /^[0-9a-f]{16}$/);
  for (const args of [
    ['search'],
    ['traces'],
    ['spans'],
    ...LISTS,
    ['similar', '2'],
    ['health'],
    ['coverage'],
    ['tracers'],
    ['critical-path', '2'],
    ['compare', '1', '2'],
    ['waterfall', '2'],
    ['root-cause', '2'],
  ]) {
    const { out } = await beacon(...args, '--json');
    const shape = ['rows', 'truncated', 'next', 'database', 'schema'];
    const aboutATime = ['search', 'traces', 'spans', ...LISTS.slice(2).map(([name]) => name)].includes(args[0] ?? '');
    assert.deepEqual(Object.keys(JSON.parse(out)), aboutATime ? [...shape, 'range'] : shape, args.join(' '));
  }
});

test('every list is a table whose lines fit', async () => {
  for (const args of [
    ['search'],
    ['spans'],
    ...LISTS,
    ['similar', '2'],
    ['health'],
    ['tracers'],
    ['critical-path', '2'],
    ['compare', '1', '2'],
    ['root-cause', '2'],
  ]) {
    const { out, err, code } = await run(args, { ...env, COLUMNS: '80' });
    assert.ok([0, 1].includes(code), `${args}: ${err}`);
    for (const line of out.split('\n')) assert.ok(widthOf(line) <= 80, `${args}: ${line}`);
  }
});

test('what a limit left out is said on stderr, and in JSON', async () => {
  const { out, err } = await beacon('spans', '--limit', '3');
  assert.equal(out.trimEnd().split('\n').length, 4);
  assert.match(err, /Showing the first 3 rows/);
  assert.match(JSON.parse((await beacon('spans', '--limit', '3', '--json')).out).truncated, /Showing the first 3 rows/);
});

test('filters are flags', async () => {
  const ids = async (...args: string[]) =>
    JSON.parse((await beacon('search', '--json', ...args)).out).rows.map(
      (row: { execution_id: string }) => row.execution_id,
    );
  assert.deepEqual(await ids('--status', 'failed'), ['2']);
  assert.deepEqual(await ids('--job', 'job-1', '--since', '1h', '--execution', '1'), ['1']);
  assert.deepEqual(await ids('--service', 'nobody'), []);
});

test('text from spans cannot move the cursor', async () => {
  await draw(client, 'evil op |=x| error=E message="red"', { execution: 3 });
  await client.query(
    `update beacon.trace_spans set operation = E'\\x1b[2Jcleared\\nnew line', error_message = E'\\x1b]0;title\\x07' where service = 'evil'`,
  );
  for (const args of [['waterfall', '3'], ['spans'], ['diagnose', '3']]) {
    const { out } = await beacon(...args);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the point of the test
    assert.doesNotMatch(out, /[\x00-\x09\x0b-\x1f\x7f]/);
    assert.match(out, /␛\[2Jcleared⏎new line/);
  }
});
