// Seeded faults through the real services, alone and in pairs, under healthy traffic: is the verdict right? Run:
//   npm run bench:diagnosis [-- --rounds 2] [--json FILE]
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { SEEDED } from './diagnosis/faults.ts';
import { calibration, confusion } from './diagnosis/matrix.ts';
import { runOutage } from './diagnosis/outage.ts';
import { runFaults, type Verdict } from './diagnosis/run.ts';

const TARGET = 0.95;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '2' }, json: { type: 'string' } } });
const seeded: Verdict[] = [];
const healthy: Verdict[] = [];
// A region's outage shows by how others fare in that hour: it needs an hour, that is a database, of its own.
for (const run of [(client: pg.Client, url: string) => runFaults(client, url, Number(values.rounds)), runOutage]) {
  const server = await throwawayServer({ max_connections: '200' });
  try {
    const client = new pg.Client({ connectionString: server.url });
    // A run that fails has its server stopped under it: what failed is told, not that.
    client.on('error', () => {});
    await client.connect();
    const sets = [SQL_DIR, path.join(import.meta.dirname, '../services/runner/sql')];
    await migrateUp(client, [readSet('beacon', sets[0] as string), readSet('runner', sets[1] as string)]);
    await client.query('set search_path = "$user", public, beacon');
    const found = await run(client, server.url);
    seeded.push(...found.seeded);
    healthy.push(...found.healthy);
    await client.end();
  } finally {
    await server.discard();
  }
}
const wrong = seeded.filter((verdict) => verdict.said !== verdict.expected);
const accused = healthy.filter((verdict) => verdict.said !== 'nothing');
const share = 1 - wrong.length / seeded.length;
console.log(
  `\n${SEEDED.length + 5} kinds of fault, ${seeded.length} executions, beside ${healthy.length} healthy ones\n`,
);
console.log(confusion([...seeded, ...healthy]));
console.log(
  `\nType and service right: ${(100 * share).toFixed(1)} % (target ${100 * TARGET} %). Accused in healthy runs: ${accused.length} of ${healthy.length}.`,
);
console.log(`\nConfidence, and how often it was right:\n${calibration([...seeded, ...healthy])}`);
for (const { fault, expected, said, confidence, summary } of [...wrong, ...accused]) {
  console.log(`\n${fault}: expected ${expected}, said ${said} (${confidence})\n    ${summary}`);
}
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify({ seeded, healthy }, null, 2)}\n`);
if (share < TARGET || accused.length > 0) process.exitCode = 1;
