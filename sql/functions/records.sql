create function beacon.may_read_column(of_table regclass, column_name text) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return (select has_column_privilege(a.attrelid, a.attnum, 'select') from pg_attribute a
    where a.attrelid = of_table and a.attname = column_name and a.attnum > 0 and not a.attisdropped);
end
$$;

comment on function beacon.may_read_column(regclass, text) is
  'Whether this role may read a column; null where the table has no such column.';

create function beacon.record_column(relation text, column_name text, as_type text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- A column that was dropped or renamed since it was registered must not take every job with it.
  if beacon.may_read_column(to_regclass(relation), column_name) then
    return format('e.%I::%s', column_name, as_type::regtype);
  end if;
  return format('null::%s', as_type::regtype);
end
$$;

comment on function beacon.record_column(text, text, text) is
  'Expression for a column of a registered table, quoted; a null of that type where the table has no such column, or this role may not '
  'read it.';

create function beacon.record_source(r beacon.trace_records, with_outputs boolean default true) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  usual record;
  output text := beacon.record_column(r.relation, r.output_column, 'text');
begin
  select * into usual from beacon.record_columns(r.relation);
  return format(
    'select %s as execution, %s as job_id, %s as model_id, %s as region, %s as question, beacon.record_outcome(%s) as status,
       %s as output_empty, %s as error_type, %s as tokens_in, %s as tokens_out, coalesce(%s, %s) as latency_ms,
       e.%I::timestamptz as created_at, coalesce(%s, %s) as finished_at
     from %s e',
    beacon.record_id(r), beacon.record_column(r.relation, r.job_column, 'text'),
    beacon.record_column(r.relation, r.model_column, 'text'),
    beacon.record_column(r.relation, r.region_column, 'text'), beacon.record_column(r.relation, r.question_column, 'text'),
    beacon.record_column(r.relation, r.status_column, 'text'),
    case when not with_outputs or output like 'null::%' then 'null::boolean' else format('beacon.is_empty_output(%s)', output) end,
    beacon.record_column(r.relation, r.error_column, 'text'), beacon.record_column(r.relation, r.tokens_in_column, 'bigint'),
    beacon.record_column(r.relation, r.tokens_out_column, 'bigint'),
    beacon.record_column(r.relation, r.duration_column, 'double precision'), usual.took, r.created_column,
    beacon.record_column(r.relation, r.finished_column, 'timestamptz'), usual.ended, to_regclass(r.relation));
end
$$;

comment on function beacon.record_source(beacon.trace_records, boolean) is
  'A select over a registered table, aliased e, that gives its rows the same columns whatever they are called there. Only registered '
  'columns are read, and every name is quoted. Outputs are long: a query that does not ask whether they are empty leaves them unread.';

create function beacon.record_troubles() returns table (
  records text, relation text, role text, column_name text, needed boolean, summary text, fix text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r beacon.trace_records;
  there regclass;
  readable boolean;
begin
  for r in select x.* from beacon.trace_records x order by x.name loop
    records := r.name; relation := r.relation; role := null; column_name := null; needed := true;
    begin
      there := to_regclass(r.relation);
    exception when insufficient_privilege then
      summary := format('%s may not look into the schema of the registered table %s', current_user, r.relation);
      fix := format('grant usage on that schema, and select on the table, to %I', current_user);
      return next;
      continue;
    end;
    if there is null then
      summary := format('the registered table %s is not there any more', r.relation);
      fix := format('if it has another name now: update beacon.trace_records set relation = ''<schema.table>'' where name = %L; if it is '
        'gone for good: delete from beacon.trace_records where name = %L', r.name, r.name);
      return next;
      continue;
    end if;
    for role, column_name, needed, readable in
      select c.role, c.column_name, c.needed, beacon.may_read_column(there, c.column_name)
      from (values (1, 'id_column', r.id_column, true), (2, 'created_column', r.created_column, true), (3, 'job_column', r.job_column,
        false),
        (4, 'status_column', r.status_column, false), (5, 'model_column', r.model_column, false), (6, 'region_column', r.region_column,
          false),
        (7, 'question_column', r.question_column, false), (8, 'output_column', r.output_column, false), (9, 'error_column',
          r.error_column, false),
        (10, 'duration_column', r.duration_column, false), (11, 'finished_column', r.finished_column, false),
        (12, 'tokens_in_column', r.tokens_in_column, false), (13, 'tokens_out_column', r.tokens_out_column, false)) c (nth, role,
          column_name, needed)
      where c.column_name is not null and beacon.may_read_column(there, c.column_name) is not true
      order by c.nth
    loop
      if not readable then
        summary := format('%s may not read the column %I of the registered table %s', current_user, column_name, r.relation);
        fix := format('grant select on %s to %I', there, current_user);
        return next;
        continue;
      end if;
      summary := format('the registered table %s has no column %I any more', r.relation, column_name);
      fix := format('if it was renamed: update beacon.trace_records set %I = ''<its name now>'' where name = %L', role, r.name)
        || case when needed then '' else format('; if it is gone for good: set it to null there') end;
      return next;
    end loop;
  end loop;
end
$$;

comment on function beacon.record_troubles() is
  'What is registered in trace_records and cannot be read: tables and columns that were dropped or renamed since, tables this role may '
  'not read. needed tells that nothing of the table is known without it; else only what that column says is missing.';

create function beacon.readable_records(also text[] default '{}') returns setof beacon.trace_records
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- What was dropped or renamed since must not take what is known of the other tables with it.
  return query
  select r.* from beacon.trace_records r
  where r.name not in (select t.records from beacon.record_troubles() t where t.needed or t.role = any (also))
  order by r.name;
end
$$;

comment on function beacon.readable_records(text[]) is
  'Registered tables that are there, with the columns for id and time, and with those of the given roles (job_column, status_column, …) '
  'that were registered. record_troubles names the others.';

create function beacon.record_job_condition(r beacon.trace_records, jobs text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- Compared in the column's own type, so that its index serves.
  return format('e.%I = any (%s::%s[])', r.job_column, jobs, (
    select format_type(a.atttypid, a.atttypmod) from pg_attribute a where a.attrelid = to_regclass(r.relation)
      and a.attname = r.job_column));
end
$$;

comment on function beacon.record_job_condition(beacon.trace_records, text) is
  'Condition on a registered table, aliased e: its job is one of an array of text that the expression gives.';

create function beacon.record_outcome(status text) returns text
language sql immutable parallel safe
as $$
  select case
    when $1 = 'completed' then $1
    when $1 is null or lower($1) in ('completed', 'complete', 'succeeded', 'success', 'done', 'ok', 'finished') then 'completed'
    when lower($1) in ('failed', 'failure', 'error', 'errored', 'timeout', 'timed_out', 'lost', 'dead', 'rejected') then 'failed'
    when lower($1) in ('cancelled', 'canceled', 'skipped', 'aborted') then 'cancelled'
    when lower($1) in ('pending', 'queued', 'created', 'waiting', 'scheduled', 'new', 'retry') then 'pending'
    else 'running' end
$$;

comment on function beacon.record_outcome(text) is
  'What a status of a business table means: pending, running, completed, failed or cancelled. A table without one tells of completed work '
  'only; a word that is not known means that it runs.';

create function beacon.is_empty_output(output text) returns boolean
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  parsed jsonb;
  told text;
begin
  if btrim(coalesce(output, '')) in ('', '{}', '[]', 'null', '""') then
    return true;
  end if;
  if left(ltrim(output), 1) <> '{' then
    return false;
  end if;
  begin
    parsed := output::jsonb;
  exception when invalid_text_representation or untranslatable_character then
    return false;
  end;
  -- An answer with its circumstances: tokens were counted, a provider is named, and yet nothing was said.
  foreach told in array array['answer', 'output', 'content', 'text', 'result'] loop
    if parsed ? told then
      return btrim(coalesce(parsed ->> told, '')) in ('', '{}', '[]');
    end if;
  end loop;
  return false;
end
$$;

comment on function beacon.is_empty_output(text) is
  'Whether an answer is empty: blank text, an empty object, or an object whose answer (output, content, text, result) is.';
