// A database with the runner's tables.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type TestDatabase, testDatabase } from '@project-beacon/testkit';

export async function runnerDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  await database.client.query(migration('up'));
  return database;
}

const FOLDER = path.join(import.meta.dirname, '../sql/migrations');

/** All migrations one after the other, in the order of their direction. */
export function migration(direction: 'up' | 'down'): string {
  const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith(`.${direction}.sql`));
  const ordered = direction === 'up' ? files.sort() : files.sort().reverse();
  return ordered.map((file) => fs.readFileSync(path.join(FOLDER, file), 'utf8')).join('\n');
}

/** Asks until the answer is there, every 20 ms for at most a minute and a half. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Not within 90 seconds: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
