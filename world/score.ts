// How many verdicts about the recordings are right, by stack. Run:
//   npm run world:score [-- --stack NAME] [--wrong] [--write-misses] [--json FILE]
import * as fs from 'node:fs';
import { parseArgs } from 'node:util';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import { readStacks } from './recording/stack.ts';
import { writeTable } from './recording/table.ts';
import { type Heard, writeHeard } from './replaying/heard.ts';
import { writeMisses } from './replaying/misses.ts';
import { type Said, verdictsOf } from './replaying/verdicts.ts';

const { values } = parseArgs({
  options: {
    stack: { type: 'string' },
    wrong: { type: 'boolean', default: false },
    'write-misses': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const all: Said[] = [];
const heard: Heard = new Map();
for (const stack of readStacks(values.stack)) {
  const server = await migratedServer();
  try {
    const said = await verdictsOf(stack, server.url, heard);
    if (values['write-misses']) writeMisses(stack, said);
    all.push(...said);
    if (values.wrong) for (const each of said.filter(({ wrong }) => wrong.length > 0)) console.log(described(each));
  } finally {
    await server.discard();
  }
}
console.log(table(all));
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
if (values['write-misses'] && !values.stack) writeHeard(heard);
writeTable();

function described({ stack, failure, wrong, type, service, confidence, sentence, causes }: Said): string {
  const { expected } = failure;
  const wanted = expected ? `${expected.types.join('|')} at ${expected.service}, /${expected.fact}/` : 'no cause';
  const got = type === undefined ? 'nothing' : `${type} at ${service} (${confidence})`;
  const also = causes.length > 1 ? `\n    causes: ${causes.join(', ')}` : '';
  return `${stack}/${failure.id}: ${wrong.join(', ')}\n    expected ${wanted}\n    said ${got}: ${sentence}${also}\n`;
}

function table(of: Said[]): string {
  const names = [...new Set(of.map(({ stack }) => stack))];
  const rows = [...names, ''].map((name) => {
    const mine = of.filter(({ stack }) => name === '' || stack === name);
    const failing = mine.filter(({ failure }) => !failure.twin);
    const twins = mine.filter(({ failure }) => failure.twin);
    const right = (...parts: string[]) => {
      const count = failing.filter(({ wrong }) => !wrong.some((each) => parts.includes(each))).length;
      return `${count} (${failing.length ? Math.round((100 * count) / failing.length) : 0} %)`;
    };
    const accused = twins.filter(({ wrong }) => wrong.length > 0).length;
    const cells = [
      name || 'all',
      `${failing.length}`,
      right('type'),
      right('service'),
      right('type', 'service'),
      right('fact'),
    ];
    return [...cells, `${accused} of ${twins.length}`];
  });
  const lines = [['stack', 'failures', 'type', 'service', 'both', 'fact', 'twins accused'], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
