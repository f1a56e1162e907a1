// What can be asked in SQL: tables, views and functions with their comments.
import { z } from 'zod';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';

const KINDS = ['view', 'table', 'record', 'function'] as const;

export const schema = defineQuery({
  name: 'schema',
  doc: 'Tables, views and functions that SQL may use, with their columns and what they mean.',
  params: {
    kind: z
      .enum(KINDS)
      .optional()
      .describe(`Only one kind: ${KINDS.join(', ')} (a registered business table).`),
    name: z.string().min(1).optional().describe('Only what has this in its name.'),
  },
  row: z.object({
    kind: z.enum(KINDS).describe('view, table, record (a registered business table) or function.'),
    name: c.text('Name with its schema.'),
    signature: c.textOrNull('Arguments of a function, with defaults.'),
    returns: c.textOrNull('What a function returns.'),
    comment: c.textOrNull('What it is.'),
    columns: z
      .array(z.object({ name: z.string(), type: z.string(), comment: z.string().nullable() }))
      .nullable()
      .describe('Columns of a table or view; null for a function.'),
  }),
  limit: { default: 500, max: 5000 },
  // Functions that change something are none of the reader's.
  sql: (p) => ({
    text: `
      select o.kind, o.name, o.signature, o.returns, o.comment, o.columns from (
        select case when n.nspname <> 'beacon' then 'record' when r.relkind = 'v' then 'view' else 'table' end as kind,
          format('%I.%I', n.nspname, r.relname) as name, null as signature, null as returns,
          obj_description(r.oid, 'pg_class') as comment,
          (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
              'comment', col_description(r.oid, a.attnum)) order by a.attnum)
            from pg_catalog.pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped) as columns
        from pg_catalog.pg_class r
        join pg_catalog.pg_namespace n on n.oid = r.relnamespace
        where (n.nspname = 'beacon' and r.relkind in ('r', 'p', 'v') and not r.relispartition)
          or r.oid in (select to_regclass(t.relation) from beacon.trace_records t)
        union all
        select 'function', format('beacon.%I', f.proname), pg_get_function_arguments(f.oid), pg_get_function_result(f.oid),
          obj_description(f.oid, 'pg_proc'), null
        from pg_catalog.pg_proc f
        where f.pronamespace = 'beacon'::regnamespace and f.provolatile <> 'v' and f.prokind = 'f'
      ) o
      where ($1::text is null or o.kind = $1) and ($2::text is null or strpos(o.name, $2) > 0)
      order by array_position(array['view', 'table', 'record', 'function'], o.kind), o.name collate "C", o.signature`,
    values: [p.kind, p.name],
  }),
});
