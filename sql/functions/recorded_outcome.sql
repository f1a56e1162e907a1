create function beacon.recorded_outcome(of_execution text) returns table (records text, status text, output_empty boolean,
  error_type text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r beacon.trace_records;
begin
  for r in select x.* from beacon.readable_records() x loop
    begin
      return query execute format('select %L::text, q.status, q.output_empty, q.error_type from (%s where %s) q', r.name,
        beacon.record_source(r), beacon.record_is(r, '$1')) using of_execution;
    exception when invalid_text_representation or numeric_value_out_of_range or datatype_mismatch then
      -- A column of it is of another kind than it was registered for.
      null;
    end;
  end loop;
end
$$;

comment on function beacon.recorded_outcome(text) is
  'How an execution ended as the registered business tables have it: status (completed, failed, ...), whether its answer is empty, its '
  'error. No row where no table has it.';

create function beacon.recorded_finding(of_execution text, spans beacon.span_fact[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  o record;
  root beacon.span_fact;
  failing bigint;
begin
  if of_execution is null then
    return;
  end if;
  select * into o from beacon.recorded_outcome(of_execution) r where r.status = 'failed' or r.status = 'completed'
    and r.output_empty limit 1;
  if o.records is null then
    return;
  end if;
  select f.* into root from unnest(spans) f where f.parent_position is null order by f.started_at desc limit 1;
  select count(*) into failing from unnest(spans) f where beacon.has_failed(f.status);
  if o.status = 'failed' then
    return query select r.* from beacon.observation('UNKNOWN', 'cause', 'weak', root,
      format('Execution %s is recorded as failed in %s%s, but its trace does not say why: of %s spans %s failed, and none of these '
        'brought it down.',
        of_execution, o.records, coalesce(' (' || o.error_type || ')', ''), cardinality(spans), failing),
      format('Read the log of %s with this trace id, and record the error on the span in which it is handled, so that it can be named '
        'next time.',
        root.service),
      jsonb_strip_nulls(jsonb_build_object('recorded_in', o.records, 'recorded_error', o.error_type, 'spans_looked_at', cardinality(spans),
        'failed_spans', failing))) r;
  else
    return query select r.* from beacon.observation('EMPTY_OUTPUT', 'cause', 'likely', root,
      format('Execution %s is recorded as completed in %s, with an empty answer; nothing in its trace failed.', of_execution, o.records),
      format('Look at what %s does with an answer: where it may become empty, treat that as a failure.', root.service),
      jsonb_build_object('recorded_in', o.records, 'spans_looked_at', cardinality(spans))) r;
  end if;
end
$$;

comment on function beacon.recorded_finding(text, beacon.span_fact[]) is
  'UNKNOWN where a business table says that an execution failed and its spans do not, EMPTY_OUTPUT where it says that the answer is empty: '
  'an execution that is recorded as failed is never healthy.';
