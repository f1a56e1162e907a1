// The first command in a fresh clone, with a stand-in for npm: what is tested is when it is called, and how often.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from '../sources.ts';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-run-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));

// Takes a moment, leaves a Node where the package `node` would, and notes that it ran.
const NPM = `#!/bin/sh
echo "$@" >> npm-calls
[ -e fail ] && { echo "npm error: no network" >&2; exit 1; }
sleep 0.5
mkdir -p node_modules/node/bin
ln -sf "${process.execPath}" node_modules/node/bin/node
`;
const PROGRAM = `
console.log('arguments', JSON.stringify(process.argv.slice(2)));
if (process.argv.includes('wait')) {
  process.on('SIGTERM', () => process.exit(42));
  setInterval(() => {}, 1000);
  console.log('waiting');
} else process.exit(7);`;

let count = 0;
function project(): string {
  const dir = path.join(base, `${count++}`);
  for (const folder of ['scripts', 'bin', 'packages/server/src'])
    fs.mkdirSync(path.join(dir, folder), { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'scripts/run.mjs'), path.join(dir, 'scripts/run.mjs'));
  fs.writeFileSync(path.join(dir, 'package.json'), '{ "type": "module" }');
  fs.writeFileSync(path.join(dir, 'package-lock.json'), '{}');
  fs.writeFileSync(path.join(dir, 'packages/server/src/main.ts'), PROGRAM);
  fs.writeFileSync(path.join(dir, 'bin/npm'), NPM, { mode: 0o755 });
  return dir;
}

function run(dir: string, ...args: string[]) {
  const env = { ...process.env, PATH: `${path.join(dir, 'bin')}:${process.env.PATH}`, npm_lifecycle_event: undefined };
  const child = spawn(process.execPath, [path.join(dir, 'scripts/run.mjs'), ...args], { env, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      child.emit('said');
    });
  }
  const said = async (text: string) => {
    while (!output.includes(text)) await once(child, 'said');
  };
  return { child, said, ended: once(child, 'close').then(([code]) => ({ code, output })) };
}

function npmCalls(dir: string): number {
  const file = path.join(dir, 'npm-calls');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

test('the first command installs and says so; the second does not; a changed lock file installs again', async () => {
  const dir = project();
  const first = await run(dir, 'start', '--no-sample').ended;
  assert.match(first.output, /Installing dependencies[\s\S]*Installed in[\s\S]*arguments \["start","--no-sample"\]/);
  assert.equal(first.code, 7, 'the exit code of the program');
  const second = await run(dir, 'start').ended;
  assert.doesNotMatch(second.output, /Install/);
  assert.equal(npmCalls(dir), 1);
  fs.writeFileSync(path.join(dir, 'package-lock.json'), '{ }');
  await run(dir, 'start').ended;
  assert.equal(npmCalls(dir), 2);
});

test('two that start at once install once, and both go on', async () => {
  const dir = project();
  const both = await Promise.all([run(dir, 'start').ended, run(dir, 'beacon', 'health').ended]);
  assert.equal(npmCalls(dir), 1);
  assert.ok(both.every(({ code }) => code === 7));
  assert.equal(both.filter(({ output }) => output.includes('Another process is installing')).length, 1);
});

test('the lock of an installer that was killed is broken', async () => {
  const dir = project();
  const lock = path.join(dir, '.installing');
  fs.writeFileSync(lock, '1');
  const longAgo = new Date(Date.now() - 60_000);
  fs.utimesSync(lock, longAgo, longAgo);
  assert.equal((await run(dir, 'start').ended).code, 7);
  assert.equal(npmCalls(dir), 1);
  assert.equal(fs.existsSync(lock), false);
});

test('an installation that fails is reported, leaves no lock, and is tried again', async () => {
  const dir = project();
  fs.writeFileSync(path.join(dir, 'fail'), '');
  const failed = await run(dir, 'start').ended;
  assert.equal(failed.code, 1);
  assert.match(failed.output, /npm error: no network[\s\S]*npm ci failed with code 1/);
  assert.equal(fs.existsSync(path.join(dir, '.installing')), false);
  fs.rmSync(path.join(dir, 'fail'));
  assert.equal((await run(dir, 'start').ended).code, 7);
});

test('a signal reaches the program, and its exit code comes back', async () => {
  const dir = project();
  const { child, said, ended } = run(dir, 'start', 'wait');
  await said('waiting');
  child.kill('SIGTERM');
  assert.equal((await ended).code, 42);
});
