create function beacon.job_matrix(of_job text) returns table (
  model_id text, region text, question text, execution_id bigint, status text, traced boolean, trace_id uuid,
  latency_ms double precision, tokens_in bigint, tokens_out bigint, error_type text, verdict text, output_empty boolean,
  execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  records text := beacon.job_records(of_job);
  traces uuid[];
  open text[];
  cells beacon.recorded[] := '{}';
  from_time timestamptz;
  to_time timestamptz;
begin
  if records <> '' then
    traces := beacon.unsettled_traces(of_job);
    open := beacon.open_executions(of_job, false, traces);
    -- Of most, answers has all that spans could say. The others are looked up: several attempts, no verdict yet, not settled.
    execute format(
      'select array_agg(row(e.execution, null, e.job_id, e.model_id, e.region, e.question, e.status, beacon.is_empty_output(e.output),
         e.error_type, e.tokens_in, e.tokens_out, e.latency_ms, e.created_at, e.finished_at)::beacon.recorded)
       from (%s) e left join beacon.stored_cells($2, $3) f on f.execution = e.execution and f.status = e.status
       where f.execution is null', records)
      into cells using array[of_job], of_job, open;
    cells := coalesce(cells, '{}');
    return query execute format(
      'select e.model_id, e.region, e.question, f.execution_id, e.status, true, f.trace_id, coalesce(e.latency_ms, f.latency_ms),
         coalesce(e.tokens_in, f.input_tokens), coalesce(e.tokens_out, f.output_tokens),
         case when e.status <> ''completed'' then e.error_type end, case when e.status <> ''completed'' then f.verdict end,
         case when e.status = ''completed'' then f.output_empty end, f.execution_key
       from (%s) e join beacon.stored_cells($2, $3) f on f.execution = e.execution and f.status = e.status', records)
      using array[of_job], of_job, open;
    if cells = '{}' and found then
      return;
    end if;
  end if;
  if cells = '{}' then
    select min(t.started_at), max(coalesce(t.completed_at, t.updated_at)) into from_time, to_time from beacon.traces t
      where t.job_id = of_job;
    cells := array(
      select row(o.execution, o.trace_id, o.job_id, o.model_id, o.region, null, o.status, null, o.error_type, null, null,
        o.latency_ms, o.created_at, o.finished_at)::beacon.recorded
      from beacon.spans_of_jobs(array[of_job], from_time, to_time) o);
  else
    select min(c.created_at), max(coalesce(c.finished_at, beacon.clock())) into from_time, to_time from unnest(cells) c;
  end if;
  return query
  with e as materialized (
    select c.* from unnest(cells) c
  ), a as materialized (
    -- The last attempt of each (a recovery is none: its root is another operation); what no span tells of has none.
    select distinct on (k.execution) k.execution, k.trace_id, k.took
    from (
      select x.execution, t.trace_id, t.started_at, 1000 * extract(epoch from t.completed_at - t.started_at)::double precision as took,
        t.root_operation is not distinct from first_value(t.root_operation) over (partition by x.execution order by t.started_at)
          as is_attempt
      from (
        select q.execution_id::text as execution, q.trace_id from beacon.trace_executions q
        where q.execution_id = any (array(select beacon.execution_number(e.execution) from e))
        union all
        select q.execution_key, q.trace_id from beacon.trace_executions q
        where q.execution_key = any (array(select beacon.execution_key(e.execution) from e))) x
      join beacon.traces t on t.trace_id = x.trace_id) k
    order by k.execution, k.is_attempt desc, k.started_at desc
  ), of as materialized (
    select array_agg(distinct k.trace_id) as ids from (select a.trace_id from a union all select e.trace_id from e
      where e.execution is null) k
  ), s as materialized (
    select x.trace_id, concat_ws(' ', x.service, x.operation, x.status, x.error_type) as failure
    from beacon.spans_of((select of.ids from of), from_time - interval '1 hour', to_time + interval '1 day') x
    where beacon.has_failed(x.status)
  ), told as materialized (
    -- Tokens of an agent and of its calls, of caller and callee, count once: answers_of_traces sees to that.
    select k.trace_id, sum(k.input_tokens) as tokens_in, sum(k.output_tokens) as tokens_out
    from (
      select w.trace_id, w.input_tokens, w.output_tokens from beacon.answers w where w.trace_id = any (select unnest(of.ids) from of)
      union all
      select w.trace_id, w.input_tokens, w.output_tokens from beacon.answers_of_traces(array(
        select i.id from of, unnest(of.ids) i (id) where not exists (select from beacon.answers n where n.trace_id = i.id) limit 500)) w) k
    group by k.trace_id
  ), f as materialized (
    select p.execution, p.trace_id, p.print, count(*) over (partition by p.print) as alike,
      row_number() over (partition by p.print order by p.created_at desc, p.execution desc) as nth
    from (
      select e.execution, e.created_at, k.trace_id, array_to_string(array_agg(distinct s.failure collate "C"), '|') as print
      from e
      left join a on a.execution = e.execution
      cross join lateral (select coalesce(a.trace_id, e.trace_id) as trace_id) k
      join s on s.trace_id = k.trace_id
      where e.status = 'failed'
      group by e.execution, e.created_at, k.trace_id) p
  ), verdicts as materialized (
    -- A diagnosis costs as much as some hundred cells: only the commonest ways to fail have theirs.
    select g.print, c.type from (select f.* from f where f.nth = 1 order by f.alike desc, f.trace_id
      limit case when cardinality(cells) <= 200 then 5 else 2 end) g
    cross join lateral beacon.first_finding(g.execution, g.trace_id) c
  )
  select e.model_id, e.region, e.question, beacon.execution_number(e.execution), e.status, a.trace_id is not null or e.trace_id is not null,
    coalesce(a.trace_id, e.trace_id), coalesce(e.latency_ms, case when e.status in ('completed', 'failed') then a.took end),
    coalesce(e.tokens_in, told.tokens_in::bigint), coalesce(e.tokens_out, told.tokens_out::bigint),
    case when e.status = 'completed' then null else e.error_type end, verdicts.type,
    case when e.status = 'completed' then e.output_empty end, beacon.execution_key(e.execution)
  from e
  left join a on a.execution = e.execution
  left join told on told.trace_id = coalesce(a.trace_id, e.trace_id)
  left join f on f.trace_id = coalesce(a.trace_id, e.trace_id) and f.execution is not distinct from e.execution
  left join verdicts on verdicts.print = f.print
  order by e.model_id, e.region, e.question, 4, e.execution;
end
$$;

comment on function beacon.job_matrix(text) is
  'Every execution of a job, a cell of models x regions x questions: how it ended, whether it has a trace, latency, tokens, and the type '
  'of the first root cause for the five commonest ways in which executions of the job failed (two, of more than 200 executions). From the '
  'registered business tables, else from spans.';

create function beacon.stored_cells(of_job text, open text[]) returns table (
  execution text, execution_id bigint, execution_key text, trace_id uuid, status text, latency_ms double precision, input_tokens bigint,
  output_tokens bigint, verdict text, output_empty boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
rows 100000
as $$
#variable_conflict use_column
begin
  return query
  select x.execution, x.execution_id, x.execution_key, x.trace_id, x.status, x.latency_ms, x.input_tokens, x.output_tokens,
    nullif(x.verdict, 'UNKNOWN'), x.answer_chars = 0
  from beacon.settled_cells x
  where x.job_id = of_job and x.attempts = 1 and x.attempt = 1 and x.trace_id is not null
    and (x.status = 'completed' and x.answer_chars is not null or x.status = 'failed' and x.verdict is not null)
    and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = x.execution));
end
$$;

comment on function beacon.stored_cells(text, text[]) is
  'Cells of a job that job_matrix takes as they are stored: one traced attempt, and a verdict where it failed.';

create function beacon.whole_number(value text) returns numeric
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return case when value ~ '^\d{1,15}$' then value::numeric end;
end
$$;

comment on function beacon.whole_number(text) is 'The number a text of at most 15 digits writes, else null: attributes hold what the '
  'sender put there.';
