// Which database a verb talks to: the flag, the environment, or the one that `beacon start` runs here.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { BeaconError, shownAddress } from '../store/errors.ts';
import type { ReadFrom } from '../store/replica.ts';
import { type RunFile, readRunFile } from '../store/run-file.ts';

export interface Found {
  url: string;
  /** `--database-url`, `DATABASE_URL`, or the path of a run.json. */
  from: string;
}

/**
 * Finds the database and says on stderr which it is, unless the environment named it.
 *
 * @throws BeaconError when none is known.
 */
export function findDatabase(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): Found {
  const found = search(flag, env);
  if (found.from !== 'DATABASE_URL') {
    process.stderr.write(`Database: ${shownAddress(found.url)} (from ${found.from})\n`);
  }
  return found;
}

/**
 * Finds the database to read from: the flag, else the replica that DATABASE_READ_URL names, else what {@link findDatabase}
 * finds.
 *
 * @throws BeaconError when none is known.
 */
export function findReadDatabase(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): ReadFrom {
  const replica = flag ? undefined : env.DATABASE_READ_URL;
  if (!replica) return { url: findDatabase(flag, env).url, primary: undefined };
  return { url: replica, primary: env.DATABASE_URL || undefined };
}

function search(flag: string | undefined, env: NodeJS.ProcessEnv): Found {
  if (flag) return { url: flag, from: '--database-url' };
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, from: 'DATABASE_URL' };
  const running = findRun();
  if (running) return { url: running.run.database, from: running.file };
  throw new BeaconError(
    'database_unreachable',
    'No database is named, and none was started here.',
    'Set DATABASE_URL, pass --database-url, or start everything with `npm start`.',
  );
}

/**
 * The `.beacon/run.json` of this folder, of one above it, or of the checkout this code lies in. One that another user
 * has put there (folders such as /tmp are shared) is ignored: it would send us to that user's database.
 */
export function findRun(): { run: RunFile; file: string } | undefined {
  for (const dir of [...upwards(process.cwd()), ...upwards(import.meta.dirname)]) {
    const file = path.join(dir, '.beacon', 'run.json');
    const run = isOurs(file) ? readRunFile(path.dirname(file)) : undefined;
    if (run) return { run, file };
  }
  return undefined;
}

function isOurs(file: string): boolean {
  const owner = fs.statSync(file, { throwIfNoEntry: false })?.uid;
  return owner !== undefined && (process.getuid === undefined || owner === process.getuid() || owner === 0);
}

function upwards(from: string): string[] {
  const above = path.dirname(from);
  return above === from ? [from] : [from, ...upwards(above)];
}
