// What the folders under sql/ hold, read and hashed. Nothing here touches a database.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Migration {
  /** `0001_spans`. */
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

/** Repository's sql/ folder; the published package carries a copy beside its code. */
export const SQL_DIR = ['../../../../sql', '../../sql']
  .map((relative) => path.resolve(import.meta.dirname, relative))
  .find((dir) => fs.existsSync(path.join(dir, 'migrations'))) as string;

/**
 * Reads a set from disk.
 *
 * @throws Error when a migration has no down file, or numbers repeat.
 */
export function readSet(name: string, dir: string): MigrationSet {
  const folder = path.join(dir, 'migrations');
  const ups = fs.readdirSync(folder).filter((file) => file.endsWith('.up.sql'));
  const migrations = ups.sort().map((file) => {
    const base = file.replace('.up.sql', '');
    const downFile = path.join(folder, `${base}.down.sql`);
    if (!fs.existsSync(downFile)) throw new Error(`Migration ${base} has no way back: ${downFile} is missing.`);
    const up = fs.readFileSync(path.join(folder, file), 'utf8');
    return { name: base, up, down: fs.readFileSync(downFile, 'utf8'), hash: sha256(up) };
  });
  const numbers = migrations.map((migration) => migration.name.slice(0, 4));
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (twice) throw new Error(`Two migrations in ${folder} have the number ${twice}.`);
  const rebuilt = ['types', 'functions', 'diagnoses', 'views'].flatMap((kind) => readRebuilt(dir, kind));
  return { name, migrations, rebuilt, rebuiltHash: sha256(rebuilt.map(({ file, sql }) => `${file}\n${sql}`).join()) };
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
