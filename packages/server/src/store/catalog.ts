// The schema as data, read from PostgreSQL's own catalogs: what the golden listing and the SQL reference are made of.
import type pg from 'pg';

export interface ColumnDescription {
  name: string;
  type: string;
  comment: string | null;
}

export interface TableColumn extends ColumnDescription {
  notNull: boolean;
  default: string | null;
}

export interface TableDescription {
  name: string;
  comment: string | null;
  columns: TableColumn[];
  /** `{ name, definition }`, as PostgreSQL prints them. */
  constraints: Definition[];
  /** Indexes that belong to no constraint. */
  indexes: Definition[];
  /** `RANGE (started_at)`; null for a plain table. */
  partitionedBy: string | null;
}

export interface Definition {
  name: string;
  definition: string;
}

export interface ViewDescription {
  name: string;
  comment: string | null;
  columns: ColumnDescription[];
}

export interface TypeDescription {
  name: string;
  comment: string | null;
  columns: ColumnDescription[];
}

export interface FunctionDescription {
  name: string;
  /** As in CREATE FUNCTION, with defaults. */
  arguments: string;
  /** Columns of a table function, else the type: `TABLE(a integer)`, `jsonb`. */
  result: string;
  volatility: 'immutable' | 'stable' | 'volatile';
  language: string;
  comment: string | null;
}

export interface SchemaDescription {
  tables: TableDescription[];
  views: ViewDescription[];
  types: TypeDescription[];
  functions: FunctionDescription[];
}

/** Describes the schema `beacon`. Partitions are left out: which there are depends on the day. */
export async function describeSchema(client: pg.ClientBase): Promise<SchemaDescription> {
  await client.query('begin read only');
  try {
    // Types of our own schema print with its name, whatever the search_path of the role is.
    await client.query('set local search_path = pg_catalog');
    const relations = (await client.query(RELATIONS)).rows as Relation[];
    const columns = (await client.query(COLUMNS)).rows as Array<TableColumn & { relation: string }>;
    const of = (name: string) =>
      columns.filter(({ relation }) => relation === name).map(({ relation: _, ...column }) => column);
    const brief = (name: string) =>
      of(name).map(({ name: column, type, comment }) => ({ name: column, type, comment }));
    const kind = (wanted: string) => relations.filter(({ relkind }) => relkind.startsWith(wanted));
    const constraints = (await client.query(CONSTRAINTS)).rows as Array<Definition & { relation: string }>;
    const indexes = (await client.query(INDEXES)).rows as Array<Definition & { relation: string }>;
    const definitions = (all: Array<Definition & { relation: string }>, name: string) =>
      all.filter(({ relation }) => relation === name).map(({ relation: _, ...rest }) => rest);
    return {
      tables: kind('t').map(({ name, comment, partitionedBy }) => ({
        name,
        comment,
        columns: of(name),
        constraints: definitions(constraints, name),
        indexes: definitions(indexes, name),
        partitionedBy,
      })),
      views: kind('v').map(({ name, comment }) => ({ name, comment, columns: brief(name) })),
      types: kind('c').map(({ name, comment }) => ({ name, comment, columns: brief(name) })),
      functions: (await client.query(FUNCTIONS)).rows,
    };
  } finally {
    await client.query('rollback');
  }
}

interface Relation {
  name: string;
  /** `t` table, `v` view, `c` composite type. */
  relkind: string;
  comment: string | null;
  partitionedBy: string | null;
}

const RELATIONS = `
  select relname as name, case relkind when 'p' then 't' when 'r' then 't' else relkind::text end as relkind,
    coalesce(obj_description(oid, 'pg_class'), obj_description(reltype, 'pg_type')) as comment,
    pg_get_partkeydef(oid) as "partitionedBy"
  from pg_class
  where relnamespace = 'beacon'::regnamespace and relkind in ('r', 'p', 'v', 'c') and not relispartition
  order by relname collate "C"`;

const COLUMNS = `
  select c.relname as relation, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as "notNull", pg_get_expr(d.adbin, d.adrelid) as "default", col_description(c.oid, a.attnum) as comment
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace = 'beacon'::regnamespace and c.relkind in ('r', 'p', 'v', 'c') and not c.relispartition
  order by c.relname collate "C", a.attnum`;

// PostgreSQL 18 lists NOT NULL as constraints too; the columns say that already.
const CONSTRAINTS = `
  select c.relname as relation, k.conname as name, pg_get_constraintdef(k.oid) as definition
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where c.relnamespace = 'beacon'::regnamespace and not c.relispartition and k.contype <> 'n'
  order by c.relname collate "C", k.contype, k.conname collate "C"`;

const INDEXES = `
  select c.relname as relation, i.relname as name, replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ') as definition
  from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
  where c.relnamespace = 'beacon'::regnamespace and not c.relispartition
    and not exists (select from pg_constraint k where k.conindid = i.oid)
  order by c.relname collate "C", i.relname collate "C"`;

const FUNCTIONS = `
  select p.proname as name, pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
    l.lanname as language, obj_description(p.oid, 'pg_proc') as comment
  from pg_proc p join pg_language l on l.oid = p.prolang
  where p.pronamespace = 'beacon'::regnamespace
  order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`;
