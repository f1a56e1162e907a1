// `npm run bench:doctor`: every cause of a missing trace that the doctor claims to know, and healthy set-ups, seeded through
// real processes by the tests of the doctor; how many it named, and how long it took.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from 'node:test';
import { startSharedServer } from '@project-beacon/testkit';

interface Judged {
  seed: string;
  outcome: 'named' | 'near' | 'silent' | 'false' | 'healthy' | 'alarm';
  codes: string[];
  seconds: number;
}

const folder = path.join(import.meta.dirname, '../packages/server/test/doctor');
const files = fs.readdirSync(folder).filter((file) => file.endsWith('.test.ts'));

process.env.DOCTOR_SEEDS = 'all';
const server = await startSharedServer();
const judged: Judged[] = [];
let failed = 0;
for await (const { type, data } of run({ files: files.map((file) => path.join(folder, file)), concurrency: 2 })) {
  if (type === 'test:diagnostic' && data.message.startsWith('{')) {
    const one = JSON.parse(data.message) as Judged;
    judged.push(one);
    console.log(
      `${one.outcome.padEnd(8)} ${one.seconds.toFixed(1).padStart(4)} s  ${one.seed}${bad(one) ? `  [${one.codes}]` : ''}`,
    );
  }
  if (type === 'test:fail' && data.nesting === 0 && data.details.error.failureType !== 'subtestsFailed') failed++;
}
await server.discard();

const count = (outcome: Judged['outcome']) => judged.filter((one) => one.outcome === outcome).length;
const causes = judged.length - count('healthy') - count('alarm');
const slowest = Math.max(...judged.map(({ seconds }) => seconds));
console.log(
  `\n${causes} causes: ${count('named')} named, ${count('near')} near, ${count('silent')} silent, ${count('false')} false.` +
    `\n${count('healthy') + count('alarm')} healthy set-ups: ${count('alarm')} accused.` +
    `\nSlowest: ${slowest.toFixed(1)} s. Tests that failed: ${failed}.`,
);
process.exit(judged.some(bad) || failed > 0 || slowest > 10 ? 1 : 0);

function bad({ outcome }: Judged): boolean {
  return outcome !== 'named' && outcome !== 'healthy';
}
