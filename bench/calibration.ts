// Does a confidence mean what it says? Of all verdicts about recorded failures of foreign software, and about seeded faults of
// our own services, how often was one of confidence p right. Run:
//   npm run bench:calibration [-- --no-own] [--stack NAME] [--said FILE] [--json FILE]
// --said reads verdicts that `npm run world:score -- --json FILE` wrote, instead of asking for them again. Without --stack
// the plot is written to docs/calibration.md.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import pg from 'pg';
import { readStacks } from '../world/recording/stack.ts';
import { type Said, verdictsOf } from '../world/replaying/verdicts.ts';
import { runFaults } from './diagnosis/run.ts';

/** A verdict that names a cause, and whether type and service were right. */
interface Claim {
  of: string;
  confidence: number;
  right: boolean;
}

const BINS = 10;
const TARGET = 0.05;
const WIDTH = 40;

const { values } = parseArgs({
  options: {
    own: { type: 'boolean', default: true },
    stack: { type: 'string' },
    said: { type: 'string' },
    json: { type: 'string' },
  },
  allowNegative: true,
});
const claims: Claim[] = (values.said ? JSON.parse(fs.readFileSync(values.said, 'utf8')) : await allSaid()).flatMap(
  claim,
);
if (values.own && !values.stack) claims.push(...(await ownFaults()));

const bins = Array.from({ length: BINS }, (_, n) => {
  const own = claims.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === n);
  const said = own.reduce((sum, { confidence }) => sum + confidence, 0) / own.length;
  const right = own.filter((claim) => claim.right).length / own.length;
  return { from: n / BINS, to: (n + 1) / BINS, count: own.length, said, right };
}).filter(({ count }) => count > 0);
const error = bins.reduce((sum, { count, said, right }) => sum + count * Math.abs(said - right), 0) / claims.length;

const lines: string[] = [];
const say = (line: string) => lines.push(line);
say(`${claims.length} verdicts that name a cause\n`);
say('confidence   count   said  right');
for (const { from, to, count, said, right } of bins) {
  const bar = '█'.repeat(Math.round(WIDTH * right));
  // The mark stands where the bar should end.
  const at = Math.round(WIDTH * said);
  const drawn = `${bar.padEnd(WIDTH).slice(0, at)}│${bar.padEnd(WIDTH).slice(at)}`;
  say(
    `${from.toFixed(1)} to ${to.toFixed(1)} ${String(count).padStart(7)}  ${percent(said)}  ${percent(right)}  ${drawn}`,
  );
}
say(`\nExpected calibration error ${error.toFixed(3)} (target ${TARGET}). │ marks where each bar should end.`);
say(`Levels as other stacks would have set them, stack by stack: ${crossValidated().toFixed(3)}.`);
for (const level of new Set(claims.map(({ confidence }) => confidence).sort((a, b) => b - a))) {
  const own = claims.filter(({ confidence }) => confidence === level);
  say(`  level ${level}: right ${own.filter((claim) => claim.right).length} of ${own.length}`);
}
console.log(lines.join('\n'));
if (!values.stack) writePlot();
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(claims, null, 2)}\n`);
if (error > TARGET) process.exitCode = 1;

function percent(share: number): string {
  return `${(100 * share).toFixed(0).padStart(3)} %`;
}

/** What names no cause claims nothing; of a healthy twin any cause is wrong. */
function claim({ stack, failure, confidence, wrong, causes }: Said): Claim[] {
  if (confidence === undefined || causes.length === 0) return [];
  const right = !wrong.some((what) => what === 'type' || what === 'service' || what === 'accused');
  return [{ of: `${stack}/${failure.id}`, confidence, right }];
}

async function allSaid(): Promise<Said[]> {
  const said: Said[] = [];
  for (const stack of readStacks(values.stack)) {
    const server = await migratedServer();
    try {
      said.push(...(await verdictsOf(stack, server.url)));
    } finally {
      await server.discard();
    }
  }
  return said;
}

/**
 * Mean distance, weighted by verdicts, between how often a stack's verdicts of a level were right and how often those of all
 * other stacks were: the error of levels that were set without having seen the stack.
 */
function crossValidated(): number {
  const stackOf = ({ of }: Claim) => of.split('/')[0];
  const share = (some: Claim[]) => some.filter(({ right }) => right).length / some.length;
  let total = 0;
  for (const stack of new Set(claims.map(stackOf))) {
    const mine = claims.filter((each) => stackOf(each) === stack);
    for (const level of new Set(mine.map(({ confidence }) => confidence))) {
      const here = mine.filter(({ confidence }) => confidence === level);
      const elsewhere = claims.filter((each) => each.confidence === level && stackOf(each) !== stack);
      total += here.length * Math.abs(share(here) - (elsewhere.length > 0 ? share(elsewhere) : level));
    }
  }
  return total / claims.length;
}

function writePlot(): void {
  const text = [
    '# How sure is sure',
    '',
    'A confidence is a probability. `npm run bench:calibration` asks of every verdict about recorded failures of foreign',
    `software (\`world/\`)${values.own ? ' and seeded faults of our own services' : ''} whether its type and service were right, and writes`,
    'this page.',
    '',
    '```',
    ...lines,
    '```',
    '',
    'The levels (`beacon.confidence`) were set in view of these recordings, so software that is not among them will be judged',
    'a little worse than it says here. A verdict below the level `possible` is a remark and never names a cause.',
    '',
  ];
  fs.writeFileSync(path.join(import.meta.dirname, '../docs/calibration.md'), text.join('\n'));
}

async function ownFaults(): Promise<Claim[]> {
  const server = await throwawayServer({ max_connections: '200' });
  try {
    const client = new pg.Client({ connectionString: server.url });
    // A run that fails has its server stopped under it: what failed is told, not that.
    client.on('error', () => {});
    await client.connect();
    const runner = `${SQL_DIR}/../services/runner/sql`;
    await migrateUp(client, [readSet('beacon', SQL_DIR), readSet('runner', runner)]);
    await client.query('set search_path = "$user", public, beacon');
    const { seeded, healthy } = await runFaults(client, server.url, 2);
    await client.end();
    return [...seeded, ...healthy]
      .filter(({ said }) => said !== 'nothing')
      .map(({ fault, confidence, said, expected }) => ({ of: `own/${fault}`, confidence, right: said === expected }));
  } finally {
    await server.discard();
  }
}
