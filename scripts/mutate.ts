// Do the tests notice a fault? Changes one thing at a time in sql/diagnoses and in the writer, runs the tests that are meant
// to notice, and counts how many changes they catch. Run:
//   npm run mutate [-- --only sql|writer] [--sample 60] [--seed 1] [--list]
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { statements } from '@project-beacon/server/store/statements.ts';
import { startSharedServer, withDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { type Mutant, mutantsOf } from './mutate/operators.ts';

const ROOT = path.join(import.meta.dirname, '..');
const TARGET = 0.85;
const TEMPLATE = 'beacon_template';
/** Longest a run of tests may take: a mutant that hangs is noticed. */
const LIMIT_MS = 240_000;
// Those that catch most come first; the rest runs only where they did not.
const DIAGNOSES = [
  'twins',
  'meanings',
  'shared',
  'calls',
  'processes',
  'patterns',
  'outages',
  'degradation',
  'baselines',
].map((name) => `packages/server/test/diagnoses/${name}.test.ts`);
const WRITER = 'packages/writer';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
});
if (values.only && !['sql', 'writer'].includes(values.only)) {
  console.error(`--only must be sql or writer (got "${values.only}").`);
  process.exit(2);
}

const kinds = [
  { name: 'sql', dir: 'sql/diagnoses', ext: '.sql', test: testSql },
  { name: 'writer', dir: `${WRITER}/src`, ext: '.ts', test: testWriter },
].filter(({ name }) => !values.only || name === values.only);
const all = kinds.flatMap((kind) =>
  sampled(filesOf(kind.dir, kind.ext).flatMap(mutants)).map((mutant) => ({ kind, mutant })),
);
if (values.list) {
  for (const { mutant } of all) console.log(described(mutant));
  console.log(`${all.length} mutants`);
  process.exit(0);
}

const server = await startSharedServer();
const template = withDatabase(server.url, TEMPLATE);
const survivors: Mutant[] = [];
let invalid = 0;
try {
  for (const [n, { kind, mutant }] of all.entries()) {
    const started = Date.now();
    const outcome = await kind.test(mutant);
    if (outcome === 'survived') survivors.push(mutant);
    if (outcome === 'invalid') invalid++;
    console.log(
      `${n + 1}/${all.length} ${outcome.padEnd(8)} ${((Date.now() - started) / 1000).toFixed(0).padStart(3)} s  ${described(mutant)}`,
    );
  }
} finally {
  await server.discard();
}
const counted = all.length - invalid;
const score = counted === 0 ? 1 : 1 - survivors.length / counted;
console.log(`\n${counted} mutants, ${invalid} more that do not parse; ${survivors.length} survived.`);
for (const survivor of survivors) console.log(`  ${described(survivor)}`);
console.log(`Score ${(100 * score).toFixed(1)} % (target ${100 * TARGET} %)`);
if (score < TARGET) process.exitCode = 1;

type Outcome = 'killed' | 'survived' | 'invalid';

/** Puts the function into the template that test files copy, and back. */
async function testSql({ file, text }: Mutant): Promise<Outcome> {
  if (!(await define(text))) return 'invalid';
  try {
    for (const test of DIAGNOSES) if (!(await passes([test]))) return 'killed';
    return 'survived';
  } finally {
    await define(fs.readFileSync(path.join(ROOT, file), 'utf8'));
  }
}

async function define(sql: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: template });
  await client.connect();
  try {
    for (const statement of statements(sql))
      await client.query(statement.replace(/create function/i, 'create or replace function'));
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError) return false;
    throw error;
  } finally {
    await client.end();
  }
}

/** Runs the writer's tests on a copy of the package, below the root so that packages are found. */
async function testWriter({ file, text }: Mutant): Promise<Outcome> {
  const copy = path.join(ROOT, '.mutant');
  fs.rmSync(copy, { recursive: true, force: true });
  try {
    fs.cpSync(path.join(ROOT, WRITER), copy, { recursive: true });
    fs.writeFileSync(path.join(copy, path.relative(WRITER, file)), text);
    const tests = fs
      .readdirSync(path.join(copy, 'test'))
      .filter((name) => name.endsWith('.test.ts') && !name.startsWith('pgbouncer'));
    return (await passes(tests.map((name) => `.mutant/test/${name}`))) ? 'survived' : 'killed';
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
}

function passes(files: string[]): Promise<boolean> {
  const child = spawn(process.execPath, ['--test', '--test-concurrency=2', '--test-force-exit', ...files], {
    cwd: ROOT,
    stdio: 'ignore',
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      clearTimeout(limit);
      resolve(code === 0);
    }),
  );
}

function filesOf(dir: string, ext: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, dir))
    .filter((name) => name.endsWith(ext) && !name.endsWith('.d.ts') && name !== 'index.ts')
    .map((name) => `${dir}/${name}`);
}

function mutants(file: string): Mutant[] {
  return mutantsOf(file, fs.readFileSync(path.join(ROOT, file), 'utf8'));
}

/** As many as were asked for, the same ones for the same seed. */
function sampled(mutants: Mutant[]): Mutant[] {
  const most = values.sample ? Number(values.sample) : mutants.length;
  let state = Number(values.seed);
  const random = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  return mutants
    .map((mutant) => ({ mutant, place: random() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, most)
    .map(({ mutant }) => mutant);
}

function described({ file, line, what }: Mutant): string {
  return `${file}:${line} ${what}`;
}
