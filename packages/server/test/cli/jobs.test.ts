import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from '@project-beacon/testkit';
import { runnerDatabase } from '../../../../services/runner/test/database.ts';
import { widthOf } from '../../src/cli/render/terminal.ts';
import { run } from './run.ts';

const { client, url } = await runnerDatabase();
const beacon = (args: string[], columns = 120) => run(args, { DATABASE_URL: url, COLUMNS: String(columns) });

await client.query(`
  insert into runner.jobs (models, regions, questions, request_hash) values ('{a}', '{eu}', '{why}', 'h');
  insert into runner.executions (job_id, model_id, region, question, status, max_attempts, output_data, error_type, duration_ms, completed_at, lease)
  values (1, 'a', 'eu', 'why?', 'completed', 1, '{"answer": "so"}', null, 120, now(), null),
    (1, 'a', 'us', 'why?', 'failed', 1, null, 'rate_limit_exceeded', 80, now(), null),
    (1, 'b', 'eu', 'why?', 'completed', 1, '{"answer": ""}', null, 1500, now(), null),
    (1, 'b', 'us', 'why?', 'processing', 1, null, null, null, null, '00000000-0000-0000-0000-000000000001')`);
await draw(client, 'runner execution.run |===| kind=consumer model=a region=eu', { execution: 1, job: '1' });
await draw(
  client,
  `
  runner execution.run       |===x| kind=consumer error=rate_limit_exceeded model=a region=us
    router POST /inference   |==x | kind=server error=rate_limit_exceeded http.response.status_code=429
  `,
  { execution: 2, job: '1' },
);

test('the matrix of a job is drawn with regions as columns, and hatched where there is no trace', async () => {
  const { code, out } = await beacon(['job-matrix', '1']);
  assert.equal(code, 1);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /^4 executions · 2 completed · 1 failed · 1 running · 2 without a trace$/);
  assert.match(out, /model +question +eu +us/);
  assert.match(out, /^a +why\? +✔ +120 ms +✖ +80\.0 ms$/m);
  assert.match(out, /^b +why\? +∅░ *1\.50 s +▸░/m);
  assert.match(out, /1 × RATE_LIMITED in us: beacon diagnose 2/);
  assert.match(out, /∅ completed with an empty answer/);
});

test('whatever the width, no line of jobs, matrix and findings is wider, and none says less of what failed', async () => {
  for (const columns of [40, 90]) {
    for (const args of [['jobs'], ['job-matrix', '1'], ['findings']]) {
      const { out } = await beacon(args, columns);
      // A heading of a finding is as long as the names in it.
      const longest = Math.max(...out.split('\n').map((line) => (/confidence/.test(line) ? 0 : widthOf(line))));
      assert.ok(longest <= columns, `${args[0]} at ${columns}: ${longest}`);
    }
    assert.match((await beacon(['job-matrix', '1'], columns)).out, /✖/);
  }
});

test('findings tell cause, count, remedy and the execution to open, and exit with 1', async () => {
  const { code, out } = await beacon(['findings']);
  assert.equal(code, 1);
  assert.match(out, /^RATE_LIMITED {2}in router POST \/inference/m);
  assert.match(out, /█ 1 execution, .*; a, us/);
  assert.match(out, /→ .+\n {2}beacon diagnose 2/s);
  assert.equal((await beacon(['findings', '--q', 'region=nowhere'])).code, 0);
});

test('sql prints a table, and refuses with exit codes of their own', async () => {
  const table = await beacon(['sql', 'select region, count(*) as n from runner.executions group by 1 order by 1']);
  assert.equal(table.out, 'region  n\neu      2\nus      2\n');
  const refused = await beacon(['sql', 'select * from pg_authid']);
  assert.deepEqual([refused.code, refused.out], [5, '']);
  assert.match(refused.err, /pg_catalog\.pg_authid.*Registered tables: runner\.executions/s);
  assert.equal((await beacon(['sql', 'select nosuch'])).code, 2);
});

test('schema, storage and the others answer in words', async () => {
  const said: Array<[args: string[], words: RegExp]> = [
    [['schema', '--name', 'trace_waterfall'], /view beacon\.trace_waterfall/],
    [['storage', '--limit-bytes', '1e9'], /on disk.*\n.*pace.*\n.*retention.*\n.*limit +1 GB/],
    [['preflight-report'], /No preflight/],
    [['ingest'], /No server has taken spans/],
    [['blast-radius', '2'], /Nothing else was hit/],
  ];
  await Promise.all(said.map(async ([args, words]) => assert.match((await beacon(args)).out, words)));
});
