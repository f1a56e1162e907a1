create function beacon.execution_number(of_execution text) returns bigint
language sql immutable parallel safe
as $$
  select case
    when $1 ~ '^(0|-?[1-9][0-9]{0,17})$' then $1::bigint
    when $1 ~ '^-?[1-9][0-9]{18}$' then
      case when $1::numeric between -9223372036854775808 and 9223372036854775807 then $1::bigint end
  end
$$;

comment on function beacon.execution_number(text) is
  'The integer that names an execution, as execution_id has it; null where its key is another text (007 is: it is not the text of 7).';

create function beacon.execution_text(of_execution text) returns text
language sql immutable parallel safe
as $$
  select case when $1 ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then lower($1) else nullif($1, '') end
$$;

comment on function beacon.execution_text(text) is
  'The key of an execution as it is compared and stored: a UUID in lower case, any other text as it is; null for an empty one.';

create function beacon.execution_key(of_execution text) returns text
language sql immutable parallel safe
as $$
  select case
    when $1 ~ '^(0|-?[1-9][0-9]{0,17})$' then null
    when $1 ~ '^-?[1-9][0-9]{18}$' then
      case when $1::numeric between -9223372036854775808 and 9223372036854775807 then null else $1 end
    when $1 ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then lower($1)
    else nullif($1, '')
  end
$$;

comment on function beacon.execution_key(text) is
  'What the column execution_key has of an execution: its key where that is no 64-bit integer, else null.';

create function beacon.execution_name(execution_id bigint, execution_key text) returns text
language sql immutable parallel safe
as $$
  select coalesce($2, $1::text)
$$;

comment on function beacon.execution_name(bigint, text) is 'The key of an execution as text, from its two columns.';

create function beacon.execution_uuid(of_execution text) returns uuid
language sql immutable parallel safe
as $$
  select case when $1 ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then $1::uuid end
$$;

comment on function beacon.execution_uuid(text) is 'The key of an execution as a UUID; null where it is none.';

create function beacon.record_id_kind(r beacon.trace_records) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select case when a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then 'integer'
      when a.atttypid = 'uuid'::regtype then 'uuid' else 'text' end
    from pg_attribute a where a.attrelid = to_regclass(r.relation) and a.attname = r.id_column);
end
$$;

comment on function beacon.record_id_kind(beacon.trace_records) is
  'How a registered table names its executions: integer, uuid, or text for every other type of the column.';

create function beacon.record_id(r beacon.trace_records) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return format(case beacon.record_id_kind(r) when 'text' then 'beacon.execution_text(e.%I::text)' else 'e.%I::text' end, r.id_column);
end
$$;

comment on function beacon.record_id(beacon.trace_records) is
  'Expression over a registered table, aliased e: the key of its execution as text, as execution_text has it.';

create function beacon.record_trace(r beacon.trace_records) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return format(
    case beacon.record_id_kind(r)
      when 'integer' then 'x.execution_id = e.%I::bigint'
      when 'uuid' then 'x.execution_key = e.%I::text'
      -- Either column may hold it; one comparison can be hashed, two cannot.
      else 'coalesce(x.execution_key, x.execution_id::text) = beacon.execution_text(e.%I::text)' end, r.id_column);
end
$$;

comment on function beacon.record_trace(beacon.trace_records) is
  'Condition that a row of trace_executions, aliased x, is of the execution in a row of a registered table, aliased e.';

create function beacon.record_is(r beacon.trace_records, key text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- Compared in the column's own type, so that its index serves.
  return case beacon.record_id_kind(r)
    when 'integer' then format('e.%I = beacon.execution_number(%s)', r.id_column, key)
    when 'uuid' then format('e.%I = beacon.execution_uuid(%s)', r.id_column, key)
    else format('e.%I::text in (%s, upper(beacon.execution_uuid(%s)::text))', r.id_column, key, key) end;
end
$$;

comment on function beacon.record_is(beacon.trace_records, text) is
  'Condition that a row of a registered table, aliased e, is the execution whose key, a text, the expression gives.';

create function beacon.meant(of_trace uuid, of_execution text) returns table (trace_id uuid, started_at timestamptz, execution text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  key text := beacon.execution_text(of_execution);
  digits text := replace(of_trace::text, '-', '');
begin
  -- A UUID may name either: a trace that is there is meant before an execution of that key.
  if of_trace is not null and not exists (select from beacon.traces t where t.trace_id = of_trace) then
    select x.execution_key into key from beacon.trace_executions x
    where x.execution_key in (of_trace::text, digits, upper(digits))
      or digits like '0000000000000000%' and x.execution_key in (right(digits, 16), upper(right(digits, 16)))
    order by length(x.execution_key) desc limit 1;
  end if;
  if key is not null then
    return query select t.trace_id, t.started_at, key from beacon.execution_traces(key) t;
  elsif of_trace is not null then
    return query select of_trace, null::timestamptz, null::text;
  end if;
end
$$;

comment on function beacon.meant(uuid, text) is
  'The traces of an execution, each with its key, or the one trace that is named. Digits that name no trace may be the key of an '
  'execution: a UUID, the same without dashes, or 16 digits.';
