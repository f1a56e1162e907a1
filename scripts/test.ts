// Runs all tests on one throwaway PostgreSQL. Arguments are files or folders to run instead of everything.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { startSharedServer } from '@project-beacon/testkit';

// A file that hangs is ended and fails, instead of holding the run; the longest of the long tests need half of it.
const LIMIT = '--test-timeout=600000';
// Node that ends by itself can spin forever in its own clean-up, where a socket was on its way when the last test ended.
const FORCE = '--test-force-exit';

// One more than there are processors: many tests wait, for a signal or for the end of a process.
const AT_ONCE = os.availableParallelism() + 1;

const root = path.join(import.meta.dirname, '..');
const chosen = process.argv.slice(2);
const folders = chosen.length > 0 ? chosen : ['packages', 'services', 'testkit', 'e2e', 'scripts', 'world'];
const files = folders.flatMap((folder) => testsBelow(path.resolve(root, folder)));
if (files.length === 0) {
  console.error(`No *.test.ts below ${folders.join(', ')}.`);
  process.exit(1);
}

console.error('Starting a throwaway PostgreSQL for the tests ...');
const server = await startSharedServer();
const runner = spawn(process.execPath, ['--test', `--test-concurrency=${AT_ONCE}`, LIMIT, FORCE, ...files], {
  cwd: root,
  stdio: 'inherit',
});
// The database is a process of its own: it is stopped on the way out, whatever ends the tests.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => runner.kill(signal));
const code = await new Promise<number>((resolve) => runner.on('exit', (status) => resolve(status ?? 1)));
await server.discard();
process.exit(code);

function testsBelow(where: string): string[] {
  const found = fs.statSync(where, { throwIfNoEntry: false });
  if (!found) {
    console.error(`There is no file or folder ${path.relative(root, where)}.`);
    process.exit(2);
  }
  if (found.isFile()) return [where];
  return fs
    .readdirSync(where, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => path.join(where, file))
    .sort();
}
