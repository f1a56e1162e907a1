// Which words of the vocabulary the recordings hold: `vocabulary_recorded()`, in sql/vocabulary/recorded.sql.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import type pg from 'pg';

/** Words by source, both sorted. */
export type Heard = Map<string, Set<string>>;

const FILE = path.join(SQL_DIR, 'vocabulary/recorded.sql');
const WIDTH = 138;

/** Adds the words that spans of these executions say, by the clues that the diagnosis itself takes from them. */
export async function hear(pool: pg.Pool, executions: number[], heard: Heard): Promise<void> {
  const { rows } = await pool.query<{ source: string; word: string }>(HEARD, [executions.map(String)]);
  for (const { source, word } of rows) heard.set(source, (heard.get(source) ?? new Set()).add(word));
}

const HEARD = `
  with clues as materialized (
    select distinct c.source, c.word
    from unnest($1::text[]) e (id)
    cross join lateral unnest(beacon.execution_spans(e.id)) f
    join beacon.trace_spans s on s.trace_id = f.trace_id and s.span_id = f.span_id
    cross join lateral beacon.span_clues(f, s.events) c
  ), entries as materialized (
    select e.source, w.word from beacon.vocabulary_entries() e cross join lateral unnest(e.words) w (word)
  )
  select e.source, e.word from entries e join clues c on c.source = e.source and c.word = e.word
  where e.source not in ('message', 'hint')
  union
  select e.source, e.word from entries e join clues c on c.source = 'message' and c.word like '%' || e.word || '%'
  where e.source in ('message', 'hint')`;

/** What stands in the file. */
export function readHeard(): Heard {
  const heard: Heard = new Map();
  // A word may hold a bracket.
  const lists = /\('(\w+)',\s+array\[((?:'(?:[^']|'')*'|[^\]'])*)\]\)/g;
  for (const [, source, words] of fs.readFileSync(FILE, 'utf8').matchAll(lists)) {
    const found = [...(words as string).matchAll(/'((?:[^']|'')*)'/g)].map(([, word]) => word?.replaceAll("''", "'"));
    heard.set(source as string, new Set(found as string[]));
  }
  return heard;
}

export function writeHeard(heard: Heard): void {
  const rows = [...heard].sort().map(([source, words]) => row(source, [...words].sort()));
  const text = fs.readFileSync(FILE, 'utf8');
  const query = `  select v.source, v.words from (values\n${rows.join(',\n')}\n  ) v (source, words);\n`;
  fs.writeFileSync(
    FILE,
    text.replace(/( {2}return query\n)[\s\S]*?(end\n\$\$)/, (_all, a, b) => `${a}${query}${b}`),
  );
}

function row(source: string, words: string[]): string {
  const lines: string[] = [];
  let line = `    ('${source}', array[`;
  words.forEach((word, n) => {
    const next = `'${word.replaceAll("'", "''")}'${n < words.length - 1 ? ',' : '])'}`;
    if (line.length + next.length + 1 > WIDTH) {
      lines.push(line.trimEnd());
      line = '      ';
    }
    line += n < words.length - 1 ? `${next} ` : next;
  });
  return [...lines, line].join('\n');
}
