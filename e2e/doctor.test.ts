// The incident, replayed: deployed, the flag set in a shell, zero spans, and executions that fail in 10 ms.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { runJob, System, startRunner, systemDatabase } from './system.ts';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');

function beacon(args: string[], env: Record<string, string>) {
  const given = { PATH: process.env.PATH ?? '', COLUMNS: '110', ...env };
  return spawnSync(process.execPath, [MAIN, ...args], { env: given, cwd: os.tmpdir(), encoding: 'utf8' });
}

test('one beacon doctor names both: tracing off in the process although the shell has it on, and no router address', async () => {
  const database = await systemDatabase();
  const runner = await startRunner(database, { ENABLE_DB_TRACING: '', HYBRID_ROUTER_URL: '' });
  const executions = await runJob(runner.url, ['us-east', 'eu-west'], ['What is 2+2?', 'Name a colour.']);
  assert.deepEqual([...new Set(executions.map(({ error_type }) => error_type))], ['configuration_error']);

  const env = { DATABASE_URL: database.url, ENABLE_DB_TRACING: 'true' };
  const said = beacon(['doctor', '--url', runner.url], env);
  assert.equal(said.status, 1, said.stderr);
  if (process.env.SHOW) console.log(said.stdout);
  assert.match(said.stdout, /^✖ FLAG_OFF/);
  assert.match(said.stdout, /although this shell has it on/);
  assert.match(said.stdout, /SETTING_MISSING/);
  assert.match(said.stdout, /Set HYBRID_ROUTER_URL/);
  assert.match(said.stdout, /4 executions ran before any tracer reported/);
  const { faults } = JSON.parse(beacon(['doctor', '--url', runner.url, '--json'], env).stdout);
  assert.deepEqual(
    faults.map(({ fault }: { fault: string }) => fault),
    ['FLAG_OFF', 'SETTING_MISSING'],
  );
});

test('beacon doctor finds nothing wrong with the whole system, and exits with 0', async () => {
  const database = await systemDatabase();
  const system = await System.start(database, { regions: ['us-east'] });
  await system.run(['us-east'], ['What is 2+2?']);
  const urls = [system.runner, system.router, system.inference].map(({ url }) => url);
  const said = beacon(['doctor', '--url', ...urls], { DATABASE_URL: database.url });
  if (process.env.SHOW) console.log(said.stdout);
  assert.equal(said.status, 0, said.stdout + said.stderr);
  assert.match(said.stdout, /^✔ HEALTHY/);
  await system.stop();
});
