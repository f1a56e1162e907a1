// `beacon serve` as a process: how it ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');

test('started by npx, it ends with the shell that npx put between, which passes no signal on', async () => {
  const { url } = await testDatabase();
  // As npx does it: a shell that waits for the program, and dies of the signal.
  const command = `"${process.execPath}" "${MAIN}" serve --port 0 --no-otlp --no-jaeger; exit $?`;
  const shell = spawn('sh', ['-c', command], {
    env: { ...process.env, DATABASE_URL: url, npm_command: 'exec' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let serving: { pid: number; port: number } | undefined;
  after(() => serving && isAlive(serving.pid) && process.kill(serving.pid, 'SIGKILL'));
  for await (const line of createInterface({ input: shell.stdout })) {
    const said = JSON.parse(line);
    if (said.msg === 'listening') serving = said;
    if (serving) break;
  }
  const { pid, port } = serving as { pid: number; port: number };
  assert.notEqual(pid, shell.pid);
  assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
  shell.kill('SIGTERM');
  await once(shell, 'exit');
  await until('the server has ended', () => !isAlive(pid), 10_000);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
