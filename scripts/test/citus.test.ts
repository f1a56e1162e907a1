// Rules a statement can break without failing on one machine. On a Citus cluster trace_spans and trace_logs lie on workers,
// everything else on the coordinator: what joins, calls or computes across the two fails there, or answers wrongly.
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { statements } from '@project-beacon/server/store/statements.ts';
import { read, sourceFiles } from '../sources.ts';
import { templates } from '../templates.ts';

const DISTRIBUTED = /\bbeacon\.trace_(?:spans|logs)(?:_default)?\b/;
/** Views and tables of the coordinator that a condition may be about. */
const LOCAL = /\bbeacon\.(?!trace_(?:spans|logs)\b)[a-z_]+\b(?!\s*\()/;

const sqlFiles = sourceFiles().filter((file) => /^sql\/(?:functions|diagnoses|views|types)\/.*\.sql$/.test(file));
const tsFiles = sourceFiles().filter((file) => /^packages\/(?:server|writer|tracer)\/src\/.*\.ts$/.test(file));

/** Own functions that only compute; a worker has those, and no table that others read. */
const pure = new Set(
  sqlFiles.flatMap((file) =>
    statements(read(file)).flatMap((statement) => {
      const name = /^\s*create\s+function\s+beacon\.(\w+)/im.exec(withoutComments(statement))?.[1];
      return name && /\blanguage\s+\w+\s+immutable\b/i.test(statement) ? [name] : [];
    }),
  ),
);

interface Statement {
  where: string;
  text: string;
}

const all: Statement[] = [
  ...sqlFiles.flatMap((file) =>
    statements(read(file)).flatMap((statement) => {
      const bare = withoutComments(statement);
      const name = /create\s+(?:function|view)\s+([\w.]+)/i.exec(bare)?.[1] ?? file;
      const body = /\$\$([\s\S]*)\$\$/.exec(bare)?.[1];
      return (body === undefined ? [bare] : body.split(/;|\bloop\b|\bbegin\b|\bthen\s*\n/i)).map((text) => ({
        where: `${file}: ${name}`,
        text,
      }));
    }),
  ),
  ...tsFiles.flatMap((file) => templates(read(file)).map((text) => ({ where: file, text: withoutComments(text) }))),
].filter(({ text }) => DISTRIBUTED.test(text) && /\b(?:select|insert|update|delete)\b/i.test(text));

test('no statement about spans or logs breaks a rule of distributed tables', () => {
  assert.ok(all.length > 40, `${all.length} statements were found`);
  assert.deepEqual(
    all.flatMap(({ where, text }) => broken(text).map((rule) => `${where}: ${rule}`)),
    [],
  );
});

test('no statement is wrapped so that a cluster loses its order: the limit stands beside the order', () => {
  const texts = [
    ...all,
    ...tsFiles.flatMap((file) => templates(read(file)).map((text) => ({ where: file, text: withoutComments(text) }))),
  ];
  assert.deepEqual([...new Set(texts.filter(({ text }) => losesOrder(text)).map(({ where }) => where))], []);
});

test('no function keeps one plan for distributed rows: which machines have them is known by the values', () => {
  const wrong = sqlFiles.flatMap((file) =>
    statements(read(file)).flatMap((statement) => {
      const bare = withoutComments(statement);
      const isFixed = /plan_cache_mode\s*=\s*force_generic_plan/i.test(bare) && !/beacon\.is_distributed/.test(bare);
      return isFixed && DISTRIBUTED.test(bare) ? [`${file}: ${/function\s+([\w.]+)/i.exec(bare)?.[1]}`] : [];
    }),
  );
  assert.deepEqual(wrong, []);
});

test('no function that asks workers is called under one plan for all values, unless it has plans of its own', () => {
  const functions = new Map<string, string>();
  for (const file of sqlFiles) {
    for (const statement of statements(read(file)).map(withoutComments)) {
      const name = /create\s+function\s+beacon\.(\w+)/i.exec(statement)?.[1];
      if (name) functions.set(name, `${functions.get(name) ?? ''}\n${statement}`);
    }
  }
  const reached = (name: string, seen: Set<string>): string[] => {
    const text = functions.get(name) ?? '';
    if (seen.has(name) || /plan_cache_mode\s*=\s*auto/i.test(text)) return [];
    seen.add(name);
    const own = /\b(?:from|join|into|update)\s+beacon\.trace_(?:spans|logs)\b/i.test(text) ? [name] : [];
    return [
      ...own,
      ...[...text.matchAll(/\bbeacon\.(\w+)\s*\(/g)].flatMap(([, called]) => reached(called as string, seen)),
    ];
  };
  const fixed = [...functions].filter(([, text]) => /plan_cache_mode\s*=\s*force_generic_plan/i.test(text));
  assert.ok(fixed.length > 0);
  assert.deepEqual(
    fixed.flatMap(([name]) => reached(name, new Set()).map((called) => `${name} calls ${called}`)),
    [],
  );
});

test('sizes and row counts come from functions that know of workers', () => {
  const wrong = sqlFiles.filter(
    (file) =>
      // The archive is on the coordinator.
      !['sizes', 'archive_days', 'archive_pack'].includes(path.basename(file, '.sql')) &&
      /pg_total_relation_size|\breltuples\b/.test(withoutComments(read(file))),
  );
  assert.deepEqual(wrong, []);
});

test('each rule recognises what broke on a cluster, and lets what took its place pass', () => {
  for (const [wrong, right] of PAIRS) {
    assert.equal(broken(wrong).length > 0 || losesOrder(wrong), true, wrong);
    assert.deepEqual([broken(right), losesOrder(right)], [[], false], right);
  }
});

/** From the statements that failed or answered wrongly on Citus 13.2, shortened. */
const PAIRS: [wrong: string, right: string][] = [
  [
    'select count(*) from (select from beacon.trace_spans s limit 10) q',
    'select count(*) from (select 1 from beacon.trace_spans s limit 10) q',
  ],
  [
    'insert into beacon.trace_spans as s select 1 on conflict do nothing returning s.created_at = now()',
    'insert into beacon.trace_spans as s select 1 on conflict do nothing returning s.created_at = $2',
  ],
  [
    'select s.span_id from beacon.trace_spans s left join beacon.tracer_state() t on true where s.trace_id = $1',
    'select s.span_id from beacon.trace_spans s left join unnest(gone) t on true where s.trace_id = $1',
  ],
  [
    'select 1 from beacon.traces t cross join lateral (select min(s.region) from beacon.trace_spans s where s.trace_id = t.trace_id) m',
    'select 1 from beacon.traces t cross join lateral (select min(s.region) from beacon.spans_of(t.trace_id) s) m',
  ],
  [
    'with f as (select s.at from beacon.trace_spans s where s.trace_id = $1) select p.n from f, beacon.span_peers(f.at) p',
    'with f as (select s.at from beacon.trace_spans s where s.trace_id = $1) select p.n from beacon.traces t, f, beacon.span_peers(f.at) p',
  ],
  [
    'select 1 from beacon.tracers r where not exists (select 1 from beacon.trace_spans s where s.tracer_id = r.tracer_id)',
    'select exists (select 1 from beacon.trace_spans s where s.tracer_id = t.tracer_id)',
  ],
  [
    'with recursive s as (select * from beacon.trace_spans where trace_id = any ($1)) select 1',
    'with recursive s as (select * from beacon.spans_of($1)) select 1',
  ],
  [
    'select s.trace_id from beacon.trace_spans s where s.trace_id = $1 for update skip locked',
    'select s.trace_id from beacon.trace_spans s where s.trace_id = $1',
  ],
  [
    'select * from (select s.at from beacon.trace_spans s order by s.at desc) answer limit $1',
    'select s.at from beacon.trace_spans s order by s.at desc limit $1',
  ],
];

function broken(text: string): string[] {
  if (!DISTRIBUTED.test(text)) return [];
  return RULES.filter(({ breaks }) => breaks(text)).map(({ rule }) => rule);
}

/** Asks for one trace, or a list of them that may be of one. */
const ROUTED = /\btrace_id\s*=\s*(?!any\s*\(\s*(?:array\s*\(\s*)?select\b)/i;
const LOCAL_TABLE = /\b(?:from|join)\s+beacon\.(?!trace_(?:spans|logs)\b)\w+\b(?!\s*\()/i;

const RULES: { rule: string; breaks: (text: string) => boolean }[] = [
  {
    rule: 'an empty select list (write select 1)',
    breaks: (text) => /\bselect\s+from\b/i.test(text),
  },
  {
    rule: "a clock, which is the worker's (pass the time as a value)",
    breaks: (text) =>
      /\b(?:now|clock_timestamp|beacon\.clock|statement_timestamp)\s*\(\s*\)|\bcurrent_timestamp\b/i.test(text),
  },
  {
    rule: 'a function of ours that a worker cannot run (resolve it first, and unnest the values)',
    breaks: (text) => {
      // A common table expression is computed by itself, unless the whole statement can be sent to the one worker it asks.
      const parts = subqueries(text, /\bas\s+(?:materialized\s+)?\(/gi).filter((part) => DISTRIBUTED.test(part));
      const rest = parts.reduce((left, part) => left.replace(part, ''), text);
      const isWhole = DISTRIBUTED.test(rest) || (parts.some((part) => ROUTED.test(part)) && !LOCAL_TABLE.test(rest));
      return (isWhole ? [text] : parts).some(callsOurs);
    },
  },
  {
    rule: 'a lateral subquery over distributed rows (beacon.spans_of asks row by row)',
    breaks: (text) => subqueries(text, /\blateral\s*\(/gi).some((inner) => DISTRIBUTED.test(inner)),
  },
  {
    rule: 'a correlated condition on distributed rows beside a local table (collect first)',
    breaks: (text) =>
      subqueries(text, /\b(?:exists|where|and|or|not)\s*\(\s*(?=select\b)/gi).some(
        (inner) => DISTRIBUTED.test(inner) && LOCAL.test(text.replace(inner, '').replace(DISTRIBUTED, '')),
      ),
  },
  { rule: 'recursion (beacon.spans_of first)', breaks: (text) => /\bwith\s+recursive\b/i.test(text) },
  { rule: 'a row lock', breaks: (text) => /\bfor\s+(?:no\s+key\s+)?(?:update|share)\b/i.test(text) },
];

function callsOurs(text: string): boolean {
  return [...text.matchAll(/\bbeacon\.(\w+)\s*\(/g)].some(([, name]) => isCall(name as string, text));
}

function isCall(name: string, text: string): boolean {
  // `insert into beacon.trace_spans (…)` is a list of columns.
  if (new RegExp(`\\b(?:into|update|copy)\\s+beacon\\.${name}\\b`, 'i').test(text)) return false;
  return !pure.has(name);
}

/** Whether a subquery of `from` brings the order and what is around it only the limit. */
function losesOrder(text: string): boolean {
  for (const match of text.matchAll(/\bfrom\s*\(/gi)) {
    const start = match.index + match[0].length;
    const end = closing(text, start);
    const inner = outermost(text.slice(start, end));
    const behind = outermost(text.slice(end + 1).split(/\)/)[0] ?? '');
    const isOrdered = /\border\s+by\b/i.test(inner) && !/\blimit\b/i.test(inner);
    if (isOrdered && /^\s*\w*\s*limit\b/i.test(behind)) return true;
  }
  return false;
}

/** What stands in the parentheses that each match opens. */
function subqueries(text: string, opening: RegExp): string[] {
  return [...text.matchAll(opening)].map((match) => {
    const start = match.index + match[0].length;
    return text.slice(start, closing(text, start));
  });
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at;
  }
  return text.length;
}

/** Without what stands in parentheses. */
function outermost(text: string): string {
  let bare = text;
  while (/\([^()]*\)/.test(bare)) bare = bare.replace(/\([^()]*\)/g, ' ');
  return bare;
}

function withoutComments(text: string): string {
  const bare = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  // A name that is handed to a function is no reading of the table.
  return bare.replace(/'(?:[^']|'')*'/g, (part) => (/^'beacon\.\w+'$/.test(part) ? "''" : part.replaceAll(';', ',')));
}
