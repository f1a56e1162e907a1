// The one entry of `npm start`, `npm test` and the rest: installs what is missing, then continues under the pinned Node.
// Plain JavaScript without dependencies, because it runs before anything is installed, on any Node from 20 up.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';
const node = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');
const stamp = join(root, 'node_modules', '.beacon-installed');
const lock = join(root, '.installing');
// The installer renews its lock every second; one this old belongs to a process that was killed.
const LOCK_DEAD_MS = 20_000;

const commands = {
  start: ['packages/server/src/main.ts', 'start'],
  beacon: ['packages/server/src/main.ts'],
  test: ['scripts/test.ts'],
  'test:mcp': ['scripts/conformance.ts'],
  'test:interop': ['scripts/test.ts', 'e2e/interop/clients.interop.ts'],
  'test:wild': [
    'scripts/test.ts',
    'world/replay.test.ts',
    'packages/server/test/doctor/faults.test.ts',
    ...['bundlers', 'chart', 'image', 'next', 'parquet', 'providers', 'readme', 'runtimes', 'types'].map(
      (name) => `e2e/wild/${name}.wild.ts`,
    ),
  ],
  'test:long': [
    'scripts/test.ts',
    'e2e/crash.test.ts',
    'e2e/alerts.test.ts',
    'e2e/planted.long.ts',
    'e2e/soak/soak.long.ts',
    'e2e/starts.long.ts',
    'packages/server/test/receivers/fuzz.test.ts',
    'packages/server/test/receivers/bombs.test.ts',
    'packages/server/test/queries/equal.test.ts',
    'services/runner/test/rerun.test.ts',
  ],
  'test:citus': ['scripts/citus.ts'],
  versions: ['scripts/versions.ts'],
  check: ['scripts/check.ts'],
  format: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '.'],
  docs: ['scripts/docs.ts'],
  picture: ['scripts/picture.ts'],
  model: ['scripts/model.ts'],
  pack: ['scripts/pack.ts'],
  mutate: ['scripts/mutate.ts'],
  bench: ['scripts/bench.ts'],
  'world:record': ['world/record.ts'],
  'world:score': ['world/score.ts'],
  'build:web': ['packages/web/build.ts'],
};

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Beacon needs Node 20 or newer to install itself; this is ${process.version}. ` +
      'It then brings its own Node 24, so any newer one will do: https://nodejs.org/en/download',
  );
}
// Beside what is set already.
const surroundings = {
  'test:long': {
    CRASH_ROUNDS: '50',
    ALERT_ROUNDS: '50',
    FUZZ_INPUTS: '20000',
    BOMBS: 'large',
    EQUAL: 'all',
    PLANTED_JOBS: '100',
  },
  'test:wild': { WORLD: 'all', DOCTOR_SEEDS: 'all' },
};

const [name, ...rest] = process.argv.slice(2);
const script = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!script) {
  console.error(`Unknown command ${name}. Known: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
Object.assign(process.env, { ...surroundings[name], ...process.env });
await install();
// Halves the start of every process: types are stripped and sources compiled once. Where it cannot be written, Node goes on.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compiled');
await run(node, [join(root, script[0]), ...script.slice(1), ...rest], 'The pinned Node', 'inherit').then(end);

/** `npm ci` when node_modules does not match the lock file; a stamp with its hash makes the second time free. */
async function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const installed = () => existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (installed()) return;
  await acquire();
  const renewal = setInterval(() => utimesSync(lock, new Date(), new Date()), 1000);
  process.once('exit', () => rmSync(lock, { force: true }));
  if (!installed()) await ci(wanted);
  clearInterval(renewal);
  rmSync(lock, { force: true });
}

async function ci(wanted) {
  console.error('Installing dependencies from package-lock.json (once; takes some seconds) ...');
  const started = Date.now();
  // Development packages are always wanted (Node itself is one), whatever NODE_ENV says. Warnings are about the engine
  // of packages that run under the pinned Node, not under this one.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, signal } = await run('npm', args, 'npm', ['ignore', 2, 2]);
  if (signal) end({ code, signal });
  if (code !== 0) fail(`npm ci failed with code ${code}; its own message is above.`);
  if (!existsSync(node)) {
    fail(
      'The pinned Node did not install: the install script of the package "node" has to run. ' +
        'Look for ignore-scripts in `npm config list`.',
    );
  }
  writeFileSync(stamp, wanted);
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

/** One installer at a time: the others wait, then find nothing left to do. */
async function acquire() {
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST')
        fail(`Dependencies have to be installed, but ${root} is not writable: ${error.code}.`);
    }
    if (isDead(lock)) breakLock();
    if (!told) console.error('Another process is installing the dependencies; waiting for it ...');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isDead(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > LOCK_DEAD_MS;
}

/** Moved aside before it is removed: of two that break it at once, the later one has moved a fresh lock and returns it. */
function breakLock() {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (!isDead(aside)) linkSync(aside, lock);
  } catch {
    // Gone, or taken again: the next attempt shows.
  }
  rmSync(aside, { force: true });
}

/** Runs a child and passes on what is sent to us. The terminal's Ctrl-C reaches both; a child must bear it twice. */
function run(program, args, title, stdio) {
  const path = `${dirname(node)}${windows ? ';' : ':'}${process.env.PATH ?? ''}`;
  const child = spawn(program, args, {
    stdio,
    ...(program === node ? { env: { ...process.env, PATH: path } } : { cwd: root, shell: windows }),
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const pass = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  const parent = process.ppid;
  // npm hands SIGTERM to the shell between us, which dies without passing it on.
  const watch = setInterval(() => {
    if (!process.env.npm_lifecycle_event || process.ppid === parent) return;
    clearInterval(watch);
    pass('SIGTERM');
  }, 300);
  return new Promise((resolve) => {
    child.on('error', (error) => fail(`${title} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      for (const each of signals) process.off(each, pass);
      resolve({ code, signal });
    });
  });
}

function end({ code, signal }) {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
