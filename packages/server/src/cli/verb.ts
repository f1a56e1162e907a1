// What every verb shares: its flags, its way to the database, its exit code, its errors.
import { Command } from 'commander';
import type pg from 'pg';
import { z } from 'zod';
import { createPool, isDriverError } from '../store/connect.ts';
import { BeaconError, ERROR_CODES, explainDatabaseError } from '../store/errors.ts';
import { openForReading } from '../store/replica.ts';
import { findDatabase, findReadDatabase } from './database.ts';
import { type Terminal, terminalOf } from './render/terminal.ts';

/** Exit codes of every verb; `beacon --help` prints this. */
export const EXIT_CODES = `Exit codes:
  0  done, and nothing is wrong
  1  done, and something is wrong: a cause was found, health fails, an execution has no trace, a service is down,
     a migration is pending or was refused
  2  the command line is wrong
  3  the database could not be reached, or is not migrated
  4  what was asked for does not exist
  5  anything else`;

/** Flags every verb has. */
export interface VerbOptions {
  databaseUrl?: string;
  json?: boolean;
  [flag: string]: unknown;
}

/** What a verb gets to work with. */
export interface Context {
  pool: pg.Pool;
  url: string;
  options: VerbOptions;
  terminal: Terminal;
  /** A line on stdout. */
  print(line: string): void;
}

/** A verb with the flags all have. */
export function verb(name: string, doc: string): Command {
  return new Command(name)
    .description(doc)
    .option('--database-url <url>', 'PostgreSQL to use (default: DATABASE_URL, else the one started here)')
    .option('--json', 'JSON on stdout, of a stable shape')
    .addHelpText('after', `\n${EXIT_CODES}`);
}

/**
 * Makes a commander action of a function that returns an exit code. Its last two arguments (options, command) are
 * replaced by a context with a pool that is closed afterwards.
 */
export function withDatabase(work: (context: Context, ...args: string[]) => Promise<number>, connections = 2) {
  return action(async (options, ...args) => {
    const { url } = findDatabase(options.databaseUrl);
    const pool = createPool(url, { applicationName: 'beacon', max: connections });
    try {
      return await work({ pool, url, options, terminal: terminalOf(process.stdout), print }, ...args);
    } catch (error) {
      throw isDriverError(error) ? explainDatabaseError(error, url) : error;
    } finally {
      await pool.end();
    }
  });
}

/** The same for verbs that only read: from the replica, where DATABASE_READ_URL names one. */
export function withReader(work: (context: Context, ...args: string[]) => Promise<number>, connections = 2) {
  return action(async (options, ...args) => {
    const from = findReadDatabase(options.databaseUrl);
    const { pool, end } = openForReading(from, { applicationName: 'beacon', max: connections });
    try {
      return await work({ pool, url: from.url, options, terminal: terminalOf(process.stdout), print }, ...args);
    } catch (error) {
      throw isDriverError(error) ? explainDatabaseError(error, from.url) : error;
    } finally {
      await end();
    }
  });
}

/** The same for verbs that need no database. */
export function action(work: (options: VerbOptions, ...args: string[]) => Promise<number>) {
  return async (...given: unknown[]): Promise<void> => {
    const args = given.slice(0, -2) as string[];
    const options = given.at(-2) as VerbOptions;
    try {
      process.exitCode = await work(options, ...args);
    } catch (error) {
      process.exitCode = report(error, options.json === true);
    }
  };
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Says on stderr what went wrong and what to do; with --json also as JSON on stdout. Returns the exit code. */
export function report(error: unknown, json: boolean): number {
  const known = asBeaconError(error);
  const terminal = terminalOf(process.stderr);
  process.stderr.write(`${terminal.paint('red', 'error:')} ${known.message}\n${known.hint}\n`);
  if (known.code === 'internal' && process.env.LOG_LEVEL === 'debug' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  if (json) printJson({ error: { code: known.code, message: known.message, hint: known.hint } });
  return ERROR_CODES[known.code].exit;
}

function asBeaconError(error: unknown): BeaconError {
  if (error instanceof BeaconError) return error;
  if (error instanceof z.ZodError) {
    const wrong = error.issues.map((issue) => `${issue.path.join('.') || 'parameters'}: ${issue.message}`).join('; ');
    return new BeaconError('usage', `Wrong value: ${wrong}.`, 'See --help.');
  }
  const message = error instanceof Error ? error.message : String(error);
  return new BeaconError('internal', message, 'LOG_LEVEL=debug shows where it happened.', { cause: error });
}
