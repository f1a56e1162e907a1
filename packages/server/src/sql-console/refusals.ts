// Why a statement was not run, or did not finish, in words.

import { BeaconError, explainDatabaseError } from '../store/errors.ts';
import type { SqlLimits } from './console.ts';

export const VIEW = 'beacon_sql_console';
/** Name under which the statement stands in the one that is run. */
export const PLACE = 'statement';
/** What stands before the statement when it is looked at, and when it is run: of one length, for the sake of positions. */
export const LOOK = `create temporary view ${VIEW} as select 1 from (\n`;
export const RUN = 'select * from (\n'.padStart(LOOK.length);
/** On a cluster, where a subquery of `from` loses its order; the statement was parsed in the form above before. */
export const RUN_ORDERED = `with ${PLACE} as materialized (\n`.padStart(LOOK.length);

const MAX_CHARACTERS = 100_000;
const QUERIES = new Set(['select', 'with', 'values', 'table']);

const ALLOWED =
  'One query (select, with, values, table) over the schema beacon and the registered tables, with functions of PostgreSQL that have no side effects and those of Beacon.';

/** What the first word shows; PostgreSQL's own parser shows the rest. */
export function refuseByWord(text: string): void {
  if (text.length > MAX_CHARACTERS) {
    throw new BeaconError(
      'usage',
      `The statement has ${text.length} characters; ${MAX_CHARACTERS} are allowed.`,
      ALLOWED,
    );
  }
  if (text.includes('\0')) throw new BeaconError('usage', 'The statement holds the character U+0000.', 'Take it out.');
  const word = firstWord(text);
  if (word === '') throw new BeaconError('usage', 'There is no statement.', ALLOWED);
  if (QUERIES.has(word.toLowerCase())) return;
  throw new BeaconError('forbidden', `A statement that begins with "${word.slice(0, 30)}" is refused.`, ALLOWED);
}

/** The first word after blanks, comments (block comments nest) and opening parentheses. */
function firstWord(text: string): string {
  let at = 0;
  let depth = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 2);
    if (rest === '/*') depth += 1;
    else if (depth > 0 && rest === '*/') depth -= 1;
    else if (depth === 0 && rest === '--') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end + 1;
      continue;
    } else {
      if (depth === 0 && !/[\s(]/.test(text[at] as string)) break;
      at += 1;
      continue;
    }
    at += 2;
  }
  return /^(?:[a-z_]+|.)/i.exec(text.slice(at))?.[0] ?? '';
}

/** @param registered Names of the registered tables. */
export function refuse(refused: Array<{ kind: string; name: string }>, registered: string[]): BeaconError {
  const names = (kind: string) => refused.filter((each) => each.kind === kind).map(({ name }) => name);
  const parts = [
    ...names('relation').map((name) => `the relation ${name}`),
    ...names('type').map((name) => `a cast to the type ${name}`),
    ...names('function').map((name) => `the function ${name}`),
  ];
  const what = parts.length > 5 ? `${parts.slice(0, 5).join(', ')} and ${parts.length - 5} more` : parts.join(', ');
  const tables = registered.length > 0 ? ` Registered tables: ${registered.join(', ')}.` : ' No table is registered.';
  return new BeaconError('forbidden', `Refused: ${what}.`, `Allowed: ${lower(ALLOWED)}${tables}`);
}

function lower(text: string): string {
  return text[0]?.toLowerCase() + text.slice(1);
}

interface Failure {
  code?: string;
  message: string;
  position?: string;
  hint?: string;
}

/** SQLSTATEs of what is refused rather than wrong. */
const FORBIDDEN: Record<string, string> = {
  '25006': 'nothing may be changed here',
  '42501': 'the role that reads here has no right to it',
  '0A000': 'this does not go into a query',
};

/** What PostgreSQL said of the statement, for the one who wrote it. */
export function explainRefusal(error: unknown, text: string, limits: SqlLimits, url: string): unknown {
  if (error instanceof BeaconError || !(error instanceof Error)) return error;
  const { code = '', message, position, hint } = error as Failure;
  if (code === '57014' || code === '55P03') {
    return new BeaconError(
      'statement_timeout',
      `The statement did not finish within ${limits.timeoutMs / 1000} s, so it was stopped.`,
      'Narrow it: a condition on started_at prunes partitions, one on trace_id or execution_id uses an index.',
      { cause: error },
    );
  }
  if (/cannot insert multiple commands/.test(message) || (code === '42601' && at(text, message) === ';')) {
    return new BeaconError('forbidden', 'More than one statement is refused.', ALLOWED, { cause: error });
  }
  const refused = FORBIDDEN[code];
  if (refused) return new BeaconError('forbidden', `Refused: ${message} (${refused}).`, ALLOWED, { cause: error });
  if (isOfTheStatement(code)) {
    const where = placeOf(text, position);
    return new BeaconError(
      'usage',
      `${message}${where}`,
      hint ?? 'Operation schema lists tables, columns and functions.',
      {
        cause: error,
      },
    );
  }
  return explainDatabaseError(error, url);
}

/** SQLSTATEs that a statement brings about itself: its syntax, its values, how deep or large they are, functions it calls. */
function isOfTheStatement(code: string): boolean {
  return /^(?:10|20|21|22|23|2F|38|39|3F|42|44|53200|54|P0|XX000)/.test(code);
}

/** What a syntax error points at. */
function at(text: string, message: string): string | undefined {
  const token = /at or near "(.*)"$/s.exec(message)?.[1];
  return text.includes(token ?? '') ? token : undefined;
}

/** PostgreSQL counts characters, from 1, in the text it was sent. */
function placeOf(text: string, position: string | undefined): string {
  const index = Number(position) - 1 - LOOK.length;
  const characters = [...text];
  if (!(index >= 0 && index <= characters.length)) return '';
  const lines = characters.slice(0, index).join('').split('\n');
  return ` (line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1})`;
}
