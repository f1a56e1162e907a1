// The verdicts that are wrong today, so that no other one becomes wrong unseen.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { WORLD } from '../recording/stack.ts';
import type { Said, Wrong } from './verdicts.ts';

const FILE = path.join(WORLD, 'misses.json');

/** What is wrong, by `stack/failure`. */
export type Misses = Record<string, Wrong[]>;

export function readMisses(): Misses {
  return JSON.parse(fs.readFileSync(FILE, 'utf8'));
}

export function writeMisses(said: Said[]): void {
  const lines = said
    .filter(({ wrong }) => wrong.length > 0)
    .map(
      ({ stack, failure, wrong }) =>
        `  ${JSON.stringify(`${stack}/${failure.id}`)}: [${wrong.map((each) => `"${each}"`).join(', ')}]`,
    );
  fs.writeFileSync(FILE, lines.length === 0 ? '{}\n' : `{\n${lines.sort().join(',\n')}\n}\n`);
}
