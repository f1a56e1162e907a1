// `npm run check`: everything that is verified without running the product. Every check runs, also after one failed.
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { ROOT } from './sources.ts';

interface Check {
  name: string;
  what: string;
  /** Script to run under this Node, and its arguments. */
  script: string[];
}

const checks: Check[] = [
  { name: 'types', what: 'tsc -b', script: ['node_modules/typescript/bin/tsc', '-b'] },
  {
    name: 'style',
    what: 'biome check',
    script: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--max-diagnostics=50'],
  },
  { name: 'unused', what: 'knip', script: ['node_modules/knip/bin/knip.js', '--no-progress'] },
  { name: 'imports', what: 'they follow the arrows', script: ['--test', 'scripts/test/imports.test.ts'] },
  { name: 'files', what: 'short, no secrets, no dead links', script: ['--test', 'scripts/test/files.test.ts'] },
  { name: 'sql', what: 'portable, commented, search_path set', script: ['--test', 'scripts/test/sql.test.ts'] },
  { name: 'citus', what: 'no rule of distributed tables broken', script: ['--test', 'scripts/test/citus.test.ts'] },
  { name: 'web', what: 'small enough for its first load', script: ['packages/web/build.ts', '--if-stale', '--check'] },
  { name: 'settings', what: 'each is documented', script: ['--test', 'scripts/test/settings.test.ts'] },
  { name: 'docs', what: 'docs/reference and sql/schema.sql are fresh', script: ['scripts/docs.ts', '--check'] },
];

// npm takes the dashes before arguments away; node does not.
const chosen = process.argv.slice(2).filter((name) => name !== '--');
const unknown = chosen.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`Unknown check ${unknown.join(', ')}. Known: ${checks.map((check) => check.name).join(', ')}.`);
  process.exit(2);
}

const failed: string[] = [];
const started = Date.now();
for (const check of checks) {
  if (chosen.length > 0 && !chosen.includes(check.name)) continue;
  const since = Date.now();
  const { code, output } = await run(check.script);
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✔' : '✖'} ${check.name.padEnd(8)} ${check.what} (${seconds} s)`);
  if (code === 0) continue;
  failed.push(check.name);
  console.log(`\n${output.trim()}\n`);
}
const total = `in ${((Date.now() - started) / 1000).toFixed(1)} s`;
if (failed.length === 0) console.log(`All checks passed ${total}.`);
else console.log(`Failed ${total}: ${failed.join(', ')}. One alone: npm run check -- ${failed[0]}`);
process.exit(failed.length === 0 ? 0 : 1);

function run(script: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, script.map(absolute), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? 1, output })));
}

function absolute(argument: string): string {
  return /^(?:node_modules|scripts|packages)\//.test(argument) ? path.join(ROOT, argument) : argument;
}
