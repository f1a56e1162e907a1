// The verdicts that are wrong today, so that no other one becomes wrong unseen: `misses.json` of each stack.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Stack } from '../recording/stack.ts';
import type { Said, Wrong } from './verdicts.ts';

/** What is wrong, by failure; nothing where no list is. */
export function readMisses({ dir }: Stack): Record<string, Wrong[]> {
  const file = path.join(dir, 'misses.json');
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
}

export function writeMisses({ dir }: Stack, said: Said[]): void {
  const lines = said
    .filter(({ wrong }) => wrong.length > 0)
    .map(({ failure, wrong }) => `  ${JSON.stringify(failure.id)}: [${wrong.map((each) => `"${each}"`).join(', ')}]`);
  fs.writeFileSync(path.join(dir, 'misses.json'), lines.length === 0 ? '{}\n' : `{\n${lines.sort().join(',\n')}\n}\n`);
}
