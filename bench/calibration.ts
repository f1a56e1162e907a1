// Does a confidence mean what it says? Of all verdicts about recorded failures of foreign software, and about seeded faults of
// our own services, how often was one of confidence p right. Run:
//   npm run bench:calibration [-- --no-own] [--stack NAME] [--json FILE]
import * as fs from 'node:fs';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import pg from 'pg';
import { readStacks } from '../world/recording/stack.ts';
import { verdictsOf } from '../world/replaying/verdicts.ts';
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
    json: { type: 'string' },
  },
  allowNegative: true,
});
const claims: Claim[] = [];
for (const stack of readStacks(values.stack)) {
  const server = await migratedServer();
  try {
    for (const { failure, confidence, wrong, causes } of await verdictsOf(stack, server.url)) {
      // What names no cause claims nothing; of a healthy twin any cause is wrong.
      if (confidence === undefined || causes.length === 0) continue;
      const right = !wrong.some((what) => what === 'type' || what === 'service' || what === 'accused');
      claims.push({ of: `${stack.name}/${failure.id}`, confidence, right });
    }
  } finally {
    await server.discard();
  }
}
if (values.own && !values.stack) claims.push(...(await ownFaults()));

const bins = Array.from({ length: BINS }, (_, n) => {
  const own = claims.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === n);
  const said = own.reduce((sum, { confidence }) => sum + confidence, 0) / own.length;
  const right = own.filter((claim) => claim.right).length / own.length;
  return { from: n / BINS, to: (n + 1) / BINS, count: own.length, said, right };
}).filter(({ count }) => count > 0);
const error = bins.reduce((sum, { count, said, right }) => sum + count * Math.abs(said - right), 0) / claims.length;

console.log(`${claims.length} verdicts that name a cause\n`);
console.log('confidence   count   said  right');
for (const { from, to, count, said, right } of bins) {
  const bar = '█'.repeat(Math.round(WIDTH * right));
  // The mark stands where the bar should end.
  const at = Math.round(WIDTH * said);
  const drawn = `${bar.padEnd(WIDTH).slice(0, at)}│${bar.padEnd(WIDTH).slice(at)}`;
  console.log(
    `${from.toFixed(1)} to ${to.toFixed(1)} ${String(count).padStart(7)}  ${percent(said)}  ${percent(right)}  ${drawn}`,
  );
}
console.log(`\nExpected calibration error ${error.toFixed(3)} (target ${TARGET}). │ marks where each bar should end.`);
for (const level of new Set(claims.map(({ confidence }) => confidence).sort((a, b) => b - a))) {
  const own = claims.filter(({ confidence }) => confidence === level);
  console.log(`  level ${level}: right ${own.filter((claim) => claim.right).length} of ${own.length}`);
}
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(claims, null, 2)}\n`);
if (error > TARGET) process.exitCode = 1;

function percent(share: number): string {
  return `${(100 * share).toFixed(0).padStart(3)} %`;
}

async function ownFaults(): Promise<Claim[]> {
  const server = await throwawayServer({ max_connections: '200' });
  try {
    const client = new pg.Client({ connectionString: server.url });
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
