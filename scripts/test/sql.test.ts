// Rules a text of SQL can break without failing on the PostgreSQL of the tests: it must also run on 14 to 18, on managed
// servers without extensions, and on Citus.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statements } from '@project-beacon/server/store/statements.ts';
import { read, sourceFiles } from '../sources.ts';

const LINE = 140;
const files = sourceFiles().filter((file) => file.endsWith('.sql') && file !== 'sql/schema.sql');
const all = files.flatMap((file) => statements(read(file)).map((statement) => ({ file, ...parsed(statement) })));

test('the SQL uses nothing that managed PostgreSQL or Citus refuses', () => {
  assert.ok(all.length > 20, 'the SQL was found');
  assert.deepEqual(
    all.flatMap(({ file, bare }) => forbidden(bare).map((what) => `${file}: ${what}`)),
    [],
  );
});

test('every function sets its search_path, except predicates that name nothing outside pg_catalog', () => {
  const without = all.filter(
    ({ bare }) => FUNCTION.test(bare) && !/\bset\s+search_path\b/i.test(bare) && !isInlined(bare),
  );
  assert.deepEqual(
    without.map(({ file, bare }) => `${file}: ${FUNCTION.exec(bare)?.[1]}`),
    [],
  );
});

test('functions that take parameters are PL/pgSQL, unless they are pure', () => {
  const wrong = all.filter(
    ({ bare }) =>
      FUNCTION.test(bare) &&
      /\blanguage\s+'?sql\b/i.test(bare) &&
      !/\bimmutable\b/i.test(bare) &&
      !/^create\s+(?:or\s+replace\s+)?function\s+[\w.]+\s*\(\s*\)/i.test(bare),
  );
  assert.deepEqual(
    wrong.map(({ file, bare }) => `${file}: ${FUNCTION.exec(bare)?.[1]}`),
    [],
  );
});

test('no line of SQL is longer than 140 characters, except in migrations, which never change', () => {
  const long = files
    .filter((file) => !file.includes('/migrations/'))
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, at) => (line.length > LINE ? [`${file}:${at + 1}: ${line.length} characters`] : [])),
    );
  assert.deepEqual(long, []);
});

test('every table, view, type and function of the schema has a comment', () => {
  const commented = new Set(all.flatMap(({ text }) => COMMENT.exec(text)?.[1]?.toLowerCase() ?? []));
  const made = all.flatMap(({ file, text, bare }) => {
    const name = (CREATED.exec(bare) ?? [])[1]?.toLowerCase();
    if (!name || /partition\s+of/i.test(bare)) return [];
    return commented.has(name) ? [] : [`${file}: ${name} (${text.split('\n')[0]})`];
  });
  assert.deepEqual(made, []);
});

test('each forbidden thing is recognised, and its name in a comment or a text is not', () => {
  for (const sql of [
    'create trigger t after insert on beacon.traces execute function f()',
    'create extension if not exists pg_trgm',
    'merge into beacon.traces using x on true when matched then do nothing',
    'select a, count(*) from t group by rollup (a)',
    'alter table t detach partition p concurrently',
    'create rule r as on insert to t do nothing',
    'select ctid from t',
    'create function f() returns void language sql as $$ select pg_notify($1, $2) $$',
    'create unlogged table t (a integer)',
    'alter table t enable row level security',
    'alter table t alter column c set storage external',
  ]) {
    assert.equal(forbidden(parsed(sql).bare).length > 0, !sql.includes('pg_notify'), sql);
  }
  const innocent = "-- a trigger, a merge\ncomment on table t is 'no create extension, no rollup'";
  assert.deepEqual(forbidden(parsed(innocent).bare), []);
});

test('only an immutable SQL function that names no schema may leave its search_path as it is', () => {
  const predicate =
    'create function beacon.is_up(status text) returns boolean language sql immutable as $$ select status in (1) $$';
  assert.ok(isInlined(predicate));
  for (const other of [
    predicate.replace('sql immutable', 'sql stable'),
    predicate.replace('sql immutable', 'plpgsql immutable'),
    predicate.replace('status in (1)', 'beacon.other(status)'),
    predicate.replace('status in (1)', 'status in (select s from statuses)'),
  ]) {
    assert.ok(!isInlined(other), other);
  }
});

interface Parsed {
  text: string;
  /** The statement without comments and texts; bodies of functions are kept, for the rules hold there too. */
  bare: string;
}

function parsed(text: string): Parsed {
  const bare = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, (part) => (part.startsWith("'") ? "''" : ' '));
  return { text: text.replace(/^(?:\s*--[^\n]*\n)+/, ''), bare: bare.trim() };
}

/** PostgreSQL inlines such a function only where it sets nothing; what it names cannot be taken over by another schema. */
function isInlined(bare: string): boolean {
  const body = /\$\$([\s\S]*)\$\$/.exec(bare)?.[1] ?? '';
  let outside = body;
  // `substring(text from pattern)` reads no table.
  while (/\([^()]*\)/.test(outside)) outside = outside.replace(/\([^()]*\)/g, ' ');
  const readsTables = /\bfrom\b/i.test(outside) || (body.match(/\bselect\b/gi) ?? []).length > 1;
  return /\blanguage\s+sql\s+immutable\b/i.test(bare) && !/\bbeacon\./i.test(body) && !readsTables;
}

function forbidden(bare: string): string[] {
  return FORBIDDEN.flatMap(([pattern, why]) => (pattern.test(bare) ? [why] : []));
}

const FUNCTION = /^create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w.]+)/i;
const CREATED =
  /^create\s+(?:or\s+replace\s+)?(?:unlogged\s+)?(?:table|view|materialized\s+view|type|function|procedure)\s+(?:if\s+not\s+exists\s+)?([\w.]+)/i;
const COMMENT = /^comment\s+on\s+(?:table|view|materialized\s+view|type|function|procedure)\s+([\w.]+)/i;

const FORBIDDEN: [RegExp, string][] = [
  [/\bcreate\s+(?:or\s+replace\s+)?(?:constraint\s+|event\s+)?trigger\b/i, 'a trigger (Citus)'],
  [/\bcreate\s+(?:or\s+replace\s+)?rule\b/i, 'a rule (Citus)'],
  [/\bcreate\s+extension\b/i, 'an extension (managed PostgreSQL)'],
  [/\bmerge\s+into\b/i, 'MERGE (PostgreSQL 15, Citus)'],
  [/\bgroup\s+by\s+(?:rollup|cube|grouping\s+sets)\b/i, 'ROLLUP, CUBE or GROUPING SETS (Citus)'],
  [/\bctid\b/i, 'ctid (Citus)'],
  [/\bdetach\s+partition\b[^;]*\bconcurrently\b/i, 'DETACH CONCURRENTLY (Citus)'],
  [/\bcreate\s+unlogged\b/i, 'an unlogged table (lost at a crash)'],
  [/\brow\s+level\s+security\b|\bcreate\s+policy\b/i, 'row-level security (Citus)'],
  [/\balter\s+column\s+\w+\s+set\s+(?:storage|statistics)\b/i, 'SET STORAGE or STATISTICS (Citus)'],
  [/\breferences\s+beacon\./i, 'a foreign key to a table that may be distributed (Citus)'],
  [/\bsecurity\s+definer\b/i, 'SECURITY DEFINER (privileges)'],
];
