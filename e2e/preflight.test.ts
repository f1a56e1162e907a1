// The whole road: preflight on the running system with tracing off, 200 executions, tracing on, 200 more, what it cost.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { System, systemDatabase } from './system.ts';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');
const QUESTIONS = Array.from({ length: 100 }, (_, n) => `What is ${n}+${n}?`);
const REGIONS = ['us-east', 'eu-west'];

test('preflight says GO, and --compare says what 200 traced executions cost, with its confidence', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-preflight-'));
  after(() => fs.rmSync(dir, { recursive: true }));
  spawnSync('git', ['init', '-q'], { cwd: dir });
  const database = await systemDatabase();
  const env = { PATH: process.env.PATH ?? '', USER: 'ada', COLUMNS: '120', DATABASE_URL: database.url };
  const beacon = (...args: string[]) =>
    spawnSync(process.execPath, [MAIN, ...args], { env, cwd: dir, encoding: 'utf8' });

  const off = await System.start(database, { regions: REGIONS, tracing: false });
  await off.run(REGIONS, QUESTIONS);
  const urls = [off.runner, off.router, off.inference].map(({ url }) => url);
  const go = beacon(
    'preflight',
    '--url',
    ...urls,
    '--accept',
    'staging',
    // A busy machine's disk is not what is asked here.
    '--threshold',
    'goInsertMs=1000',
    'stopInsertMs=2000',
    '--report',
    path.join(os.tmpdir(), `${path.basename(dir)}.md`),
  );
  if (process.env.SHOW) console.log(go.stdout);
  assert.equal(go.status, 0, go.stdout + go.stderr);
  assert.match(go.stdout, /200 completed executions without a trace in 7 days/);
  assert.match(go.stdout, /\nGO {2}/);
  const report = path.join(os.tmpdir(), `${path.basename(dir)}.md`);
  assert.match(fs.readFileSync(report, 'utf8'), /^# Preflight: GO/);
  fs.rmSync(report);
  await off.stop();

  const on = await System.start(database, { regions: REGIONS });
  await on.run(REGIONS, QUESTIONS);
  await on.stop();
  const compared = beacon('preflight', '--compare');
  if (process.env.SHOW) console.log(compared.stdout);
  assert.match(compared.stdout, /traced {3}200 executions/);
  assert.match(compared.stdout, /overhead -?\d+\.\d %, with 95 % confidence between/);
});
