// The one entry of `npm start`, `npm test` and the rest: installs what is missing, then goes on under the pinned Node.
// Plain JavaScript without dependencies, because it runs before anything is installed, on any Node from 20 up.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const stamp = join(root, 'node_modules', '.beacon-installed');

const commands = {
  start: ['packages/server/src/main.ts', 'start'],
  beacon: ['packages/server/src/main.ts'],
  test: ['scripts/test.ts'],
  check: ['scripts/check.ts'],
  docs: ['scripts/docs.ts'],
  bench: ['scripts/bench.ts'],
};

const [name, ...rest] = process.argv.slice(2);
const script = commands[name];
if (!script) {
  console.error(`Unknown command ${name}. Known: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
install();
go(script);

/** `npm ci` when node_modules does not match the lock file; a stamp with its hash makes the second time free. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing dependencies from package-lock.json (once) ...');
  const started = Date.now();
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (npm.error) fail(`npm could not be run: ${npm.error.message}`);
  if (npm.status !== 0) fail(`npm ci failed with code ${npm.status}; its own message is above.`);
  if (!existsSync(node)) {
    fail(
      'The pinned Node did not install. Install scripts must be allowed for the package "node" (see allowScripts in package.json).',
    );
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

function go(args) {
  const path = `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}`;
  const child = spawn(node, [...args.map((arg, i) => (i === 0 ? join(root, arg) : arg)), ...rest], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  // The terminal sends Ctrl-C to both; the child decides when it is over. What is sent to us alone is passed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`The pinned Node could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
