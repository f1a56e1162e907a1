create function beacon.sql_refused(of_view regclass) returns table (kind text, name text)
language plpgsql stable
set search_path = pg_catalog
as $$
begin
  return query select r.kind, r.name
  from beacon.sql_refused_in((select string_agg(w.ev_action::text, ' ') from pg_rewrite w where w.ev_class = of_view), of_view) r;
end
$$;

comment on function beacon.sql_refused(regclass) is 'What sql_refused_in says of the statement that a view stands for.';

create function beacon.sql_refused_in(tree text, of_view oid) returns table (kind text, name text)
language plpgsql stable
set search_path = pg_catalog
as $$
#variable_conflict use_column
declare
  ours text[] := array(select jsonb_array_elements_text(s.value::jsonb) from beacon.schema_state s where s.name = 'objects');
  spelling constant oid[] := array['aclitem', 'aclitem[]', 'regclass', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace',
    'regoper', 'regoperator', 'regproc', 'regprocedure', 'regrole', 'regtype']::regtype[];
  -- Immutable, and yet they spell out the names of relations, columns and roles, or say whether there is one.
  telling constant text[] := array['acldefault', 'aclcontains', 'aclinsert', 'aclremove', 'enum_first', 'enum_last', 'enum_range',
    'format_type', 'makeaclitem', 'satisfies_hash_partition'];
  -- The same of functions of Beacon.
  own_telling constant text[] := array['may_read_column', 'record_column', 'record_columns', 'record_source'];
  -- Functions that are not immutable and yet do nothing but compute: the clock, time zones, chance, rows as JSON.
  harmless constant text[] := array[
    'age', 'array_agg', 'array_sample', 'array_shuffle', 'array_to_json', 'array_to_string', 'bernoulli', 'clock_timestamp', 'concat',
    'concat_ws', 'convert', 'convert_from', 'convert_to', 'current_database', 'current_schema', 'date_add', 'date_part', 'date_subtract',
      'date_trunc',
    'extract', 'format', 'gen_random_uuid', 'generate_series', 'in_range',
      'json_agg', 'json_agg_strict',
    'json_build_array', 'json_build_object', 'json_object_agg', 'json_object_agg_strict', 'json_object_agg_unique',
      'json_object_agg_unique_strict',
    'json_populate_record', 'json_populate_recordset', 'json_to_record', 'json_to_recordset', 'jsonb_agg', 'jsonb_agg_strict',
      'jsonb_build_array',
    'jsonb_build_object', 'jsonb_path_exists_tz', 'jsonb_path_match_tz', 'jsonb_path_query_array_tz', 'jsonb_path_query_first_tz',
    'jsonb_path_query_tz', 'jsonb_populate_record', 'jsonb_populate_recordset', 'jsonb_to_record', 'jsonb_to_recordset', 'length',
      'make_timestamptz',
    'now', 'overlaps', 'pg_column_size', 'pg_typeof', 'phraseto_tsquery', 'plainto_tsquery', 'quote_literal', 'quote_nullable', 'random',
    'random_normal', 'row_to_json', 'statement_timestamp', 'system', 'timeofday', 'timestamptz', 'timezone', 'to_char', 'to_date',
      'to_json', 'to_jsonb',
    'to_number', 'to_timestamp', 'to_tsquery', 'to_tsvector', 'transaction_timestamp', 'ts_headline', 'uuidv4', 'uuidv7', 'version',
    'websearch_to_tsquery'];
begin
  if tree is null then
    raise exception 'there is no tree of the statement to read';
  end if;
  -- The text search configurations and dictionaries that PostgreSQL came with are no secret: to_tsvector('english', ...).
  tree := regexp_replace(tree, '\{CONST :consttype (?:3734|3769) [^{}]*:constvalue 4 \[ -?\d+ (?:[0-9]|[1-5][0-9]|6[0-3]) 0 0 0 0 0 0 \]\}',
    '', 'g');
  return query
  -- Names were resolved by the parser itself: what stands in the tree is what would run. Texts and aliases of the
  -- statement cannot make such an entry vanish: values stand there as bytes, and blanks in names are escaped.
  with mentioned as (
    select distinct m.found[1] as field, unnest(string_to_array(btrim(m.found[2]), ' '))::oid as id
    from regexp_matches(tree, ':(relid|funcid|opfuncid|aggfnoid|winfnoid|tsmhandler|startInRangeFunc|endInRangeFunc|'
      'opno|eqop|sortop|cycle_mark_neop) (\d+)', 'g') m (found)
    union
    select 'opno', unnest(string_to_array(btrim(m.found[1]), ' '))::oid from regexp_matches(tree, ':opnos \(o ([\d ]+)\)', 'g') m (found)
  ), functions as (
    select m.id from mentioned m where m.field not in ('relid', 'opno', 'eqop', 'sortop', 'cycle_mark_neop') and m.id <> 0
    union
    select coalesce(o.oprcode::oid, m.id) from mentioned m left join pg_operator o on o.oid = m.id
    where m.field in ('opno', 'eqop', 'sortop', 'cycle_mark_neop') and m.id <> 0
  ), relations as (
    select m.id from mentioned m where m.field = 'relid' and m.id <> 0
  ), types as (
    -- A cast to a domain runs its checks, and those may call anything; so does making a row that has one. A cast of a
    -- number to regrole or regclass would spell out the names of everything there is.
    select unnest(string_to_array(btrim(array_to_string(r.parts, '')), ' '))::oid as id
    from regexp_matches(tree, ':(?:(?:consttype|resulttype|typid|row_typeid) (\d+)|(?:func)?coltypes \(o ([\d ]+)\))', 'g') r (parts)
  )
  select 'relation', coalesce(format('%I.%I', n.nspname, c.relname), r.id::text)
  from relations r
  left join pg_class c on c.oid = r.id
  left join pg_namespace n on n.oid = c.relnamespace
  where c.oid is null or not (
    -- Up to PostgreSQL 15 a view's tree holds the view itself; the statement cannot name it, for it was not there.
    c.oid = of_view
    or (n.nspname = 'beacon' and c.relkind in ('r', 'p', 'v', 'm'))
    or c.oid in (select to_regclass(t.relation)::oid from beacon.trace_records t where to_regclass(t.relation) is not null))
  union all
  select distinct 'type', format('%I.%I', n.nspname, e.typname)
  from types t
  join pg_type o on o.oid = t.id
  join pg_type e on e.oid = case when o.typelem <> 0 and o.typcategory = 'A' then o.typelem else o.oid end
  join pg_namespace n on n.oid = e.typnamespace
  where (e.typtype in ('d', 'c') and n.nspname not in ('pg_catalog', 'information_schema', 'beacon')) or e.oid = any (spelling)
  union all
  select 'function', coalesce(format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), f.id::text)
  from functions f
  left join pg_proc p on p.oid = f.id
  left join pg_namespace n on n.oid = p.pronamespace
  where p.oid is null or not (
    -- Below 16384 are those PostgreSQL came with; extensions may have put theirs beside them.
    (n.nspname = 'pg_catalog' and p.oid < 16384 and p.prokind in ('f', 'a', 'w')
      and (p.prorettype <> all (spelling) or p.proname = 'pg_typeof') and p.proname <> all (telling) and (
      p.provolatile = 'i'
      or p.proname = any (harmless)
      or (p.provolatile = 's' and (
        exists (select from pg_operator o where o.oprcode = p.oid and o.oid < 16384)
        or exists (select from pg_cast k where k.castfunc = p.oid and k.oid < 16384)))))
    or (n.nspname = 'beacon' and p.prokind = 'f' and p.provolatile in ('i', 's') and p.proname <> all (own_telling)
      and format('beacon.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) = any (ours)))
  order by 1 desc, 2;
end
$$;

comment on function beacon.sql_refused_in(text, oid) is
  'What the parse tree of a statement (of a view, its oid; else 0) mentions that the SQL console does not let through: relations outside '
  'the schema beacon that are not registered in trace_records, and functions (those behind operators, casts, aggregates and sampling '
  'too) that are neither PostgreSQL''s own without side effects nor stable ones of Beacon, and casts to domains and row types of '
  'others. No row: nothing to object to.';

create function beacon.sql_checked_types() returns setof text
language sql stable
set search_path = pg_catalog
as $$
  with recursive checked as (
    select c.contypid as id
    from pg_constraint c
    where c.contypid <> 0 and exists (
      select from pg_depend d where d.classid = 'pg_constraint'::regclass and d.objid = c.oid
        and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass))
    union
    select m.id
    from checked k
    cross join lateral (
      select t.oid as id from pg_type t where t.typelem = k.id or t.typbasetype = k.id
      union all
      select unnest(array[r.rngtypid, r.rngmultitypid]) from pg_range r where r.rngsubtype = k.id
      union all
      select c.reltype from pg_attribute a join pg_class c on c.oid = a.attrelid where a.atttypid = k.id and not a.attisdropped
    ) m
    where m.id <> 0
  )
  select distinct t.typname::text from checked k join pg_type t on t.oid = k.id
$$;

comment on function beacon.sql_checked_types() is
  'Types whose values are checked by functions that did not come with PostgreSQL: domains with such a check, and arrays, ranges and rows '
  'of them. PostgreSQL may run the check when it only reads a statement, so that the SQL console refuses one that names such a type.';
