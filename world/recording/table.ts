// The table of stacks in world/README.md.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Failure, RECORDINGS, readStacks, WORLD } from './stack.ts';

const README = path.join(WORLD, 'README.md');
const BETWEEN = /(<!-- table -->\n)[\s\S]*(\n<!-- \/table -->)/;

/** README.md as it should be. */
export function withTable(): { was: string; is: string } {
  const was = fs.readFileSync(README, 'utf8');
  return { was, is: was.replace(BETWEEN, (_all, before, after) => `${before}${table()}${after}`) };
}

export function writeTable(): void {
  fs.writeFileSync(README, withTable().is);
}

function table(): string {
  const rows = readStacks().map(({ name, title, needs, failures }) => {
    const recorded = (of: Failure[]) => of.filter(({ id }) => fs.existsSync(path.join(RECORDINGS, name, `${id}.json`)));
    const failing = recorded(failures.filter(({ twin }) => !twin)).length;
    const twins = recorded(failures.filter(({ twin }) => twin)).length;
    const imitations = new Map<string, number>();
    for (const { imitated } of failures) {
      if (imitated) imitations.set(imitated, (imitations.get(imitated) ?? 0) + 1);
    }
    const imitated = [...imitations].map(([why, n]) => `${n}: ${why}`).join('; ') || 'nothing';
    return `| \`${name}\` | ${title} | ${needs.join(', ')} | ${failing} | ${twins} | ${imitated} |`;
  });
  return [
    '| stack | consists of | beside it | failures | twins | imitated |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
