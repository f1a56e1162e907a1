// What the folders under sql/ hold, read and hashed. Nothing here touches a database.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { MigrationError } from './errors.ts';

export interface Migration {
  /** `0001_beacon`. */
  name: string;
  up: string;
  down: string;
  /** SHA-256 of `up`: a released migration never changes. */
  hash: string;
}

export interface Rebuilt {
  /** Path below sql/, for messages. */
  file: string;
  sql: string;
}

/** A folder of migrations and, for Beacon's own, the views and functions that are rebuilt whole. */
export interface MigrationSet {
  /** Names the set in schema_migrations: `beacon`, `runner`. */
  name: string;
  migrations: Migration[];
  rebuilt: Rebuilt[];
  /** SHA-256 over all rebuilt files. */
  rebuiltHash: string;
}

/** Name of Beacon's own set, the only one whose views and functions are rebuilt. */
export const OWN_SET = 'beacon';

/** Repository's sql/ folder; the published package carries a copy beside its code. */
export const SQL_DIR = ['../../../../sql', '../../sql']
  .map((relative) => path.resolve(import.meta.dirname, relative))
  .find((dir) => fs.existsSync(path.join(dir, 'migrations'))) as string;

// Types come first: functions return them; views come last: they call functions.
const REBUILT_FOLDERS = ['types', 'functions', 'vocabulary', 'diagnoses', 'views'];

/**
 * Reads a set from disk.
 *
 * @throws MigrationError when the folder holds no migrations, one has no down file, or numbers repeat.
 */
export function readSet(name: string, dir: string): MigrationSet {
  const folder = path.join(dir, 'migrations');
  if (!fs.existsSync(folder)) {
    throw new MigrationError(`There is no folder ${folder}.`, 'Name the folder that holds migrations/0001_….up.sql.');
  }
  const ups = fs.readdirSync(folder).filter((file) => file.endsWith('.up.sql'));
  const migrations = ups.sort().map((file) => readMigration(folder, file.replace('.up.sql', '')));
  const numbers = migrations.map((migration) => migration.name.slice(0, 4));
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (twice) {
    throw new MigrationError(
      `Two migrations in ${folder} have the number ${twice}.`,
      'Give the newer one the next number.',
    );
  }
  const rebuilt = name === OWN_SET ? REBUILT_FOLDERS.flatMap((kind) => readRebuilt(dir, kind)) : [];
  return { name, migrations, rebuilt, rebuiltHash: sha256(rebuilt.map(({ file, sql }) => `${file}\n${sql}`).join()) };
}

/** Beacon's own set and those of the business tables in `recordDirs`; `services/runner/sql` is the set `runner`. */
export function readSets(recordDirs: string[] = []): MigrationSet[] {
  const records = recordDirs.map((dir) => readSet(path.basename(path.dirname(path.resolve(dir))), dir));
  return [readSet(OWN_SET, SQL_DIR), ...records];
}

function readMigration(folder: string, name: string): Migration {
  const downFile = path.join(folder, `${name}.down.sql`);
  if (!fs.existsSync(downFile)) {
    throw new MigrationError(`Migration ${name} has no way back.`, `Write ${downFile}.`);
  }
  const up = fs.readFileSync(path.join(folder, `${name}.up.sql`), 'utf8');
  return { name, up, down: fs.readFileSync(downFile, 'utf8'), hash: sha256(up) };
}

function readRebuilt(dir: string, kind: string): Rebuilt[] {
  const folder = path.join(dir, kind);
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ file: `${kind}/${file}`, sql: fs.readFileSync(path.join(folder, file), 'utf8') }));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
