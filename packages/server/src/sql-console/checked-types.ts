// Types whose checks call functions of others must not be named at all: PostgreSQL may run them while it reads the statement.
import { BeaconError } from '../store/errors.ts';

const TOKENS = /"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)|('(?:[^']|'')*')|(::)|(\S)/gu;

/** @throws BeaconError when the statement names one of them where a type may stand, be it in a comment. */
export function refuseCheckedTypes(text: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const checked = new Set(names);
  if (/\bu&\s*["']/i.test(text)) throw refusal('a name or text written with U&');
  const tokens = [...text.matchAll(TOKENS)].map(([token, quoted, word]) => ({
    token,
    name: quoted?.replaceAll('""', '"') ?? word?.toLowerCase(),
  }));
  tokens.forEach(({ name }, i) => {
    if (name !== undefined && checked.has(name) && mayBeType(tokens, i)) throw refusal(`the type ${name}`);
  });
}

interface Token {
  token: string;
  name: string | undefined;
}

/** Words before which no type stands. What follows any other may be one: `x type`, `as type`, `returning type`. */
const BEFORE_VALUES = new Set(
  `select distinct all on where and or not in is like ilike similar between by having case when then else from join lateral using
  limit offset union except intersect any some filter over partition order group values with only table asc desc end`.split(
    /\s+/,
  ),
);

/** Whether a type may stand where this name does: not in `n.name`, `, name` or `where name = ...`. */
function mayBeType(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at + 1]?.token ?? '';
  if (next.startsWith("'") || next === '[' || next === '$') return true;
  let first = at;
  while (tokens[first - 1]?.token === '.') first -= 2;
  const before = tokens[first - 1];
  if (before === undefined) return false;
  return before.token === '::' || (before.name !== undefined && !BEFORE_VALUES.has(before.name));
}

function refusal(what: string): BeaconError {
  return new BeaconError(
    'forbidden',
    `Refused: ${what}: its values are checked by a function that is not one of PostgreSQL.`,
    'Leave out the cast, or compare with a text: column::text = ...',
  );
}
