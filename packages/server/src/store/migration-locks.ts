// What the statements of a migration lock, on what, and for how long: what a DBA asks before a migration runs under load.
import type pg from 'pg';
import type { Step } from './plan.ts';

/** Bytes a second that PostgreSQL reads, sorts and writes when it builds an index or rewrites a table; an estimate. */
const BYTES_A_SECOND = 50e6;

export interface StepLock {
  step: string;
  /** First line of the statement. */
  statement: string;
  /** The table that is locked; null where nothing that was there before is. */
  table: string | null;
  /** PostgreSQL's name of the lock. */
  lock: string | null;
  /** Who waits meanwhile. */
  waits: 'nothing' | 'changes of the table' | 'writers' | 'readers and writers';
  /** Estimated seconds for which it is held at least; 0 where only the catalog is changed. */
  seconds: number;
}

interface Kind {
  pattern: RegExp;
  lock: string;
  waits: StepLock['waits'];
  /** Whether it reads or writes the whole table. */
  isWhole?: RegExp | true;
}

// The first that fits counts. From PostgreSQL's documentation of each statement.
const KINDS: Kind[] = [
  {
    pattern: /^create (?:unique )?index concurrently .*? on (?:only )?([\w.]+)/is,
    lock: 'SHARE UPDATE EXCLUSIVE',
    waits: 'changes of the table',
    isWhole: true,
  },
  { pattern: /^create (?:unique )?index .*? on (?:only )?([\w.]+)/is, lock: 'SHARE', waits: 'writers', isWhole: true },
  {
    pattern: /^alter table (?:only )?([\w.]+)\s+validate constraint/is,
    lock: 'SHARE UPDATE EXCLUSIVE',
    waits: 'changes of the table',
    isWhole: true,
  },
  {
    pattern: /^alter table (?:only )?([\w.]+)/is,
    lock: 'ACCESS EXCLUSIVE',
    waits: 'readers and writers',
    // Adding a column, or a default that is a constant, changes the catalog only.
    isWhole:
      /\b(?:type|set not null|add constraint (?!.*\bnot valid\b)|generated always as \(|default (?:clock_timestamp|random|gen_random_uuid)\b)/is,
  },
  { pattern: /^drop table (?:if exists )?([\w.]+)/is, lock: 'ACCESS EXCLUSIVE', waits: 'readers and writers' },
  { pattern: /^truncate (?:table )?([\w.]+)/is, lock: 'ACCESS EXCLUSIVE', waits: 'readers and writers' },
  { pattern: /^comment on (?:table|column) ([\w.]+)/is, lock: 'SHARE UPDATE EXCLUSIVE', waits: 'changes of the table' },
  {
    pattern: /^(?:with .*?)?(?:update|delete from|insert into) (?:only )?([\w.]+)/is,
    lock: 'ROW EXCLUSIVE',
    waits: 'nothing',
    isWhole: /^(?:update|delete)/i,
  },
];

/** Locks of tables that are there, in the order they are taken; of a table that the same steps make there is none yet. */
export async function locksOf(client: pg.ClientBase, steps: Step[]): Promise<StepLock[]> {
  const { rows } = await client.query<{ name: string; bytes: string }>(
    `select format('%s.%s', n.nspname, c.relname) as name, case when c.relkind = 'p'
        then (select coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) from pg_inherits i where i.inhparent = c.oid)
        else pg_total_relation_size(c.oid) end as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'`,
  );
  const sizes = new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
  return steps.flatMap((step) =>
    // Views and functions are replaced whole; nothing that is stored is locked for that.
    step.kind === 'migration' ? step.statements.flatMap((statement) => lockOf(step.title, statement, sizes)) : [],
  );
}

function lockOf(step: string, statement: string, sizes: ReadonlyMap<string, number>): StepLock[] {
  const bare = statement.replace(/^(?:\s*--[^\n]*\n)+/, '').trim();
  for (const { pattern, lock, waits, isWhole } of KINDS) {
    const named = pattern.exec(bare)?.[1]?.toLowerCase();
    if (named === undefined) continue;
    const table = named.split('.').slice(0, 2).join('.');
    const bytes = sizes.get(table);
    if (bytes === undefined || table === 'beacon.schema_migrations') return [];
    const all = isWhole === true || isWhole?.test(bare);
    const seconds = all ? Math.round((10 * bytes) / BYTES_A_SECOND) / 10 : 0;
    return [{ step, statement: bare.split('\n')[0]!.trim(), table, lock, waits, seconds }];
  }
  return [];
}
