import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { run } from './run.ts';

const { client, url } = await testDatabase();
const beacon = (...args: string[]) => run(args, { DATABASE_URL: url });

await draw(
  client,
  `
  runner execution.run       |==========| kind=consumer
    router POST /inference   | ======== | kind=server
  `,
  { execution: 1, job: 'job-1', at: new Date(Date.now() - 1_200_000) },
);
await draw(
  client,
  `
  runner execution.run       |==============x| kind=consumer error=timeout
    router POST /inference   | ===========!  | kind=client error=ETIMEDOUT peer.service=gpu
    db SELECT                | =             |
    db SELECT                |   =           |
    db SELECT                |     =         |
  `,
  { execution: 2, job: 'job-1', at: new Date(Date.now() - 600_000) },
);

test('outline folds what repeats, and says how many spans have no line', async () => {
  const { code, out } = await beacon('outline', '2');
  assert.equal(code, 0);
  assert.match(out, /✖ +runner +execution\.run +1 +150 ms/);
  assert.match(out, /✔ +db +└─ SELECT +3 +10\.0 ms +30\.0 ms/);
  const few = await beacon('outline', '2', '--limit', '2');
  assert.match(few.err, /^3 of the 5 spans have no line of their own/m);
  assert.match(few.out, /execution\.run .* \+3 /);
});

test('timeout-root-cause tells who gave up on whom, and ends with 1; without a time-out it says so', async () => {
  const { code, out } = await beacon('timeout-root-cause', '2');
  assert.equal(code, 1);
  assert.match(out, /^router POST \/inference gave up after 120 ms on gpu\n {2}The callee left no span/);
  assert.deepEqual(await beacon('timeout-root-cause', '1'), { code: 0, out: 'Nothing timed out.\n', err: '' });
});

test('compare-with-successful names the other one and shows what differs only', async () => {
  const { code, out } = await beacon('compare-with-successful', '2');
  assert.equal(code, 0);
  assert.match(out, /^Beside 1, which worked: \d+ % of the calls alike, 10 min earlier\.\n\n/);
  assert.match(out, /^added +db +SELECT/m);
  const { code: none, err } = await beacon('compare-with-successful', '4711');
  assert.equal(none, 4);
  assert.match(err, /no execution to compare 4711 with/);
});

test('unusual-spans, job-cells and diagnosis-types print a table or a paragraph', async () => {
  assert.match((await beacon('unusual-spans', '2')).out, /◷ +router +POST \/inference .*timeout: ETIMEDOUT/);
  assert.match((await beacon('job-cells', 'job-1')).out, /of +worked +failed/);
  assert.match(
    (await beacon('diagnosis-types', '--type', 'network_timeout')).out,
    /^NETWORK_TIMEOUT\n {2}the time went/,
  );
});
