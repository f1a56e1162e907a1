import type pg from 'pg';

/**
 * Everything a migration could leave behind in a database, a line an object: what two databases must have in common to
 * be called equal. Ids and times are left out.
 */
export async function catalogDump(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query(`
    with mine as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
    select 'schema ' || nspname as line from mine
    union all
    select format('%s %s.%s %s %s', relkind, nspname, relname, relacl, coalesce(obj_description(c.oid, 'pg_class'), ''))
      from pg_class c join mine n on n.oid = relnamespace
    union all
    select format('column %s.%s %s %s %s %s %s', nspname, relname, attnum, attname, format_type(atttypid, atttypmod),
        attnotnull, pg_get_expr(adbin, adrelid))
      from pg_attribute a join pg_class c on c.oid = attrelid join mine n on n.oid = relnamespace
      left join pg_attrdef d on d.adrelid = attrelid and adnum = attnum where attnum > 0
    union all
    select format('constraint %s.%s %s', nspname, conname, pg_get_constraintdef(k.oid))
      from pg_constraint k join mine n on n.oid = connamespace
    union all
    select format('index %s.%s %s', nspname, relname, pg_get_indexdef(c.oid))
      from pg_class c join mine n on n.oid = relnamespace where relkind in ('i', 'I')
    union all
    select format('view %s.%s %s', nspname, relname, pg_get_viewdef(c.oid))
      from pg_class c join mine n on n.oid = relnamespace where relkind = 'v'
    union all
    select format('routine %s.%s %s %s', nspname, p.oid::regprocedure, proacl, md5(pg_get_functiondef(p.oid)))
      from pg_proc p join mine n on n.oid = pronamespace where prokind <> 'a'
    union all
    select format('setting of %s: %s', setrole::regrole, setconfig)
      from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())
    order by 1`);
  return rows.map(({ line }) => line as string);
}
