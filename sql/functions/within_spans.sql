create function beacon.callee_work(spans beacon.span_fact[], of_position integer) returns table (operation text, self_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  -- Always one row: a diagnosis about a callee without spans must not lose its finding here. Positions are depth first:
  -- what stands below a span follows it until the next span that is no deeper.
  return query
  with callee as (
    select f.position, f.depth, f.trace_id from unnest(spans) f where f.position = of_position
  ), behind as (
    select min(f.position) as position from unnest(spans) f, callee c
    where f.position > c.position and (f.depth <= c.depth or f.trace_id <> c.trace_id)
  )
  select b.operation, b.self_ms from (select 1) one left join (
    select f.operation, f.self_ms from unnest(spans) f, callee c, behind e
    where f.position >= c.position and (e.position is null or f.position < e.position)
    order by f.self_ms desc limit 1) b on true;
end
$$;

comment on function beacon.callee_work(beacon.span_fact[], integer) is
  'The operation at or below a span that took the most time of its own; nulls where there is no span.';

create function beacon.generation(spans beacon.span_fact[], of_trace uuid) returns table (service text, operation text,
  output_tokens bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  select g.service, g.operation, g.tokens from (select 1) one left join (
    select f.service, f.operation, beacon.output_tokens(f.metadata) as tokens, f.position
    from unnest(spans) f
    where f.trace_id = of_trace and beacon.output_tokens(f.metadata) is not null
    order by f.position desc limit 1) g on true;
end
$$;

comment on function beacon.generation(beacon.span_fact[], uuid) is
  'The last span of a trace that generated text, with its output tokens; nulls where there is none.';

create function beacon.notable(spans beacon.span_fact[], origins beacon.failure_origin[]) returns beacon.span_fact[]
language plpgsql stable
set search_path = beacon, pg_catalog
-- Planned without the values, that is without a copy of all spans.
set plan_cache_mode = force_generic_plan
as $$
declare
  busiest integer[];
begin
  -- Every diagnosis reads all it is given; twenty of them over 50,000 spans would take seconds.
  if cardinality(spans) <= 2000 then
    return spans;
  end if;
  busiest := array(select f.position from unnest(spans) f order by f.self_ms desc, f.position limit 500);
  return (
    select array_agg(f order by f.position) from unnest(spans) f
    where f.parent_position is null
      or f.position in (select unnest(busiest) union all select b.position from unnest(origins) b
        union all select b.callee_position from unnest(origins) b)
      or f.metadata ?| array['faas.coldstart', 'beacon.queued_ms', 'kafka.record.queue_time_ms', 'bullmq.job.timestamp',
        'gen_ai.usage.output_tokens', 'llm.token_count.completion', 'ai.usage.completionTokens', 'output.value'] and f.self_ms > 0
      or f.status = 'lost');
end
$$;

comment on function beacon.notable(beacon.span_fact[], beacon.failure_origin[]) is
  'The spans a diagnosis may need, of a trace above 2,000 spans: roots, origins of failures and their callees, lost ones, those that tell '
  'of a cold start, a queue or generated text, and the 500 with the most time of their own. Smaller traces whole. Positions stay as they '
  'are, so an element''s index need not be its position.';

create function beacon.busy_below(spans beacon.span_fact[], from_position integer, at_ms double precision) returns integer
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  here integer := from_position;
  further integer;
begin
  -- Down through what was still running when the caller gave up, as long as one child had taken most of its parent's time until then.
  for depth in 1 .. 30 loop
    select f.position into further from unnest(spans) f
    where f.parent_position = here and f.offset_ms < at_ms - 1 and f.offset_ms + f.duration_ms > at_ms - 5
      and at_ms - f.offset_ms >= 0.5 * (at_ms - spans[here].offset_ms)
    order by f.offset_ms, f.position limit 1;
    exit when further is null;
    here := further;
  end loop;
  return here;
end
$$;

comment on function beacon.busy_below(beacon.span_fact[], integer, double precision) is
  'The innermost span below a position that was at work at a moment (milliseconds from the start of the trace) and had been for at least '
  'half of the time its parent had: of several levels that wait for each other, the one that is really slow. The span itself where there '
  'is none.';
