// What a failed write means: wait and try again, or look for the row that cannot be stored.
import { withoutPieces } from './redact/connection.ts';
import { Redactor } from './redact/redactor.ts';

/** Whether the error says that rows are there already. Citus reports it as XX000, with PostgreSQL's words. */
export function isDuplicate(error: unknown): boolean {
  const code = sqlState(error);
  return code === '23505' || (code === 'XX000' && /duplicate key value/.test(messageOf(error)));
}

/**
 * Whether a row's content is to blame: then the others can be written without it. Everything else (no connection, no
 * permission, no table, no room, a lock) would fail for any row, so rows wait for better times.
 */
export function isRowsFault(error: unknown): boolean {
  const code = sqlState(error);
  if (code === undefined) return false;
  // Data, constraints, and program limits such as an index row that is too long.
  return /^(22|23|54)/.test(code) || code === '21000';
}

/** SQLSTATE of a database error; undefined when it did not come from the database. */
function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && (error as { severity?: unknown }).severity
    ? code
    : undefined;
}

const HINTS: Record<string, string> = {
  '3D000': 'the database does not exist',
  '3F000': 'the schema beacon is not there; run `beacon migrate`',
  '42P01': "Beacon's tables are not there; run `beacon migrate`",
  '42703': "Beacon's tables are older than this writer; run `beacon migrate`",
  '42501': "the role may not write to Beacon's tables",
  '28P01': 'the password is wrong',
  '28000': 'the role may not connect',
  '53100': "the database's disk is full",
  '53300': 'the database takes no more connections',
  '57014': 'the statement took too long (a lock, or a slow database)',
  '25006': 'the database is read-only',
};

/**
 * One line about an error, with the SQLSTATE or system code and what to do, and without secrets.
 *
 * @param connectionString Of the connection it came from; no piece of it is shown that may be one of its password.
 */
export function describeError(error: unknown, connectionString = ''): string {
  const state = sqlState(error);
  const code = state ?? (error as { code?: unknown } | null)?.code;
  const hint = state === undefined ? undefined : HINTS[state];
  const message = messageOf(error).split('\n')[0]!;
  const named = typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
  const shown = connectionString === '' ? named : withoutPieces(named, connectionString);
  return usual.ofText(hint === undefined ? shown : `${shown}: ${hint}`).slice(0, 500);
}

const usual = new Redactor();

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Connecting to a name with several addresses fails with all their errors and no message of its own.
  if (error.message === '' && error instanceof AggregateError) return messageOf(error.errors[0]);
  return error.message;
}
