create function beacon.token_cost(input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, p beacon.prices)
returns numeric
language sql immutable
as $$
  -- More cached than read: this provider does not count them in, whatever its row says.
  select ((input_tokens - case when (p).cached_in_input and cached_tokens <= input_tokens then cached_tokens else 0 end) * (p).input
      + case when cached_tokens > 0 then cached_tokens * coalesce((p).cached, (p).input) else 0 end
      + (output_tokens - case when (p).reasoning_in_output and reasoning_tokens <= output_tokens then reasoning_tokens else 0 end)
        * (p).output
      + case when reasoning_tokens > 0 then reasoning_tokens * coalesce((p).reasoning, (p).output) else 0 end) / 1000000 + (p).request
$$;

comment on function beacon.token_cost(bigint, bigint, bigint, bigint, beacon.prices) is
  'What a call costs: cached tokens once, at their own price; tokens of reasoning once, at theirs. Null where tokens read or written, or '
  'the price, are not known: unknown is not 0.';

create function beacon.price_of(of_model text, of_response_model text, of_provider text, of_region text, at timestamptz)
returns setof beacon.prices
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select p.* from beacon.prices p
  where lower(p.model) in (lower(of_model), lower(of_response_model)) and lower(p.provider) in ('', lower(of_provider))
    and lower(p.region) in ('', lower(of_region)) and p.valid_from <= (at at time zone 'UTC')::date
    and (p.valid_to is null or p.valid_to > (at at time zone 'UTC')::date)
  order by lower(p.model) = lower(of_response_model) desc nulls last, p.region <> '' desc, p.provider <> '' desc, p.valid_from desc
  limit 1;
end
$$;

comment on function beacon.price_of(text, text, text, text, timestamptz) is
  'Price of a model at a time: by the model that answered before the one that was asked for, by region and provider where a row names '
  'them.';

create function beacon.priced_attempts(of_job text) returns table (
  execution text, trace_id uuid, attempt integer, model_id text, region text, validity text, verdict text, input_tokens bigint,
  output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, started_at timestamptz, finished_at timestamptz, currency text,
  cost numeric)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  return query
  with a as materialized (
    select x.*, coalesce(x.served_region, x.region) as place, (x.started_at at time zone 'UTC')::date as day
    from beacon.execution_attempts(of_job, false) x
  ), priced as materialized (
    -- As many look-ups as there are kinds of calls, not as there are calls.
    select k.*, p as price
    from (select distinct a.model_id, a.response_model, a.provider, a.place, a.day from a where exists (select from beacon.prices)) k
    cross join lateral beacon.price_of(k.model_id, k.response_model, k.provider, k.place, k.day::timestamp at time zone 'UTC') p
  )
  select coalesce(a.execution_key, a.execution_id::text, a.trace_id::text), a.trace_id, a.attempt, a.model_id, a.region, a.validity,
    coalesce(a.verdict, a.reason), a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, a.started_at, a.finished_at,
    (k.price).currency, beacon.token_cost(a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, k.price)
  from a
  left join priced k on coalesce(k.model_id, '') = coalesce(a.model_id, '')
    and coalesce(k.response_model, '') = coalesce(a.response_model, '') and coalesce(k.provider, '') = coalesce(a.provider, '')
    and coalesce(k.place, '') = coalesce(a.place, '') and k.day = a.day;
end
$$;

comment on function beacon.priced_attempts(text) is
  'The attempts of a job with what each cost; null where its price or its tokens are not known. The tokens of an agent and of its calls '
  'are counted once already (see answers).';

create function beacon.job_costs(of_job text) returns table (part text, currency text, attempts bigint, cost double precision,
  unknown bigint, input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, said text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, false, traces);
  usual_currency text := coalesce((select min(r.currency) from beacon.prices r), '');
  since timestamptz;
  until timestamptz;
  cold_traces uuid[];
begin
  -- Resolved first: spans may lie on other machines than answers.
  select min(a.started_at), max(a.finished_at) into since, until from beacon.answers a where a.job_id = of_job;
  since := least(since, (select min(t.started_at) from beacon.traces t where t.trace_id = any (traces)));
  if until is null or cardinality(traces) > 0 or open <> '{}' then
    until := beacon.clock();
  end if;
  cold_traces := array(
    select distinct s.trace_id from beacon.trace_spans s
    where s.metadata @> '{"faas.coldstart": true}' and s.started_at >= since - interval '1 hour'
      and s.started_at < until + interval '1 day');
  return query
  with x as materialized (
    select a.trace_id, a.model_id, a.response_model, a.provider, coalesce(a.served_region, a.region) as place, a.validity,
      coalesce(a.verdict, a.reason) as cause, a.cell_validity is not null as counts, a.input_tokens, a.output_tokens, a.cached_tokens,
      a.reasoning_tokens, a.started_at, a.finished_at
    from beacon.answers a
    where a.job_id = of_job and a.validity <> 'pending'
      and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = coalesce(a.execution_key, a.execution_id::text)))
    union all
    select a.trace_id, a.model_id, a.response_model, a.provider, coalesce(a.served_region, a.region), a.validity,
      coalesce(a.verdict, a.reason), row_number() over (partition by coalesce(a.execution_key, a.execution_id::text, a.trace_id::text)
        order by a.validity = 'answered' desc, case when a.validity = 'answered' then a.attempt else -a.attempt end) = 1,
      a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, a.started_at, a.finished_at
    from beacon.open_attempts(of_job, false, traces, open) a where a.validity <> 'pending'
  ), kinds as materialized (
    -- Tokens are added up before they are priced. Parts of an input or output that are larger than it are not part of it: see token_cost.
    select k.*, row(p.*)::beacon.prices as price
    from (
      select x.model_id, x.response_model, x.provider, x.place, (x.started_at at time zone 'UTC')::date as day, x.validity, x.counts,
        c.trace_id is not null as cold, case when x.validity = 'infrastructure' then coalesce(x.cause, 'unknown') end as cause,
        count(*) as attempts, sum(x.input_tokens) as input_tokens, sum(x.output_tokens) as output_tokens,
        sum(x.cached_tokens) as cached_tokens, sum(x.reasoning_tokens) as reasoning_tokens,
        count(x.input_tokens + x.output_tokens) as counted,
        sum(x.input_tokens) filter (where x.output_tokens is not null) as read,
        sum(x.output_tokens) filter (where x.input_tokens is not null) as written,
        sum(x.cached_tokens) filter (where x.cached_tokens <= x.input_tokens and x.output_tokens is not null) as cached_within,
        sum(x.cached_tokens) filter (where x.cached_tokens > 0 and x.input_tokens + x.output_tokens is not null) as cached,
        sum(x.reasoning_tokens) filter (where x.reasoning_tokens <= x.output_tokens and x.input_tokens is not null) as reasoned_within,
        sum(x.reasoning_tokens) filter (where x.reasoning_tokens > 0 and x.input_tokens + x.output_tokens is not null) as reasoned
      from x left join unnest(cold_traces) c (trace_id) on c.trace_id = x.trace_id
      group by 1, 2, 3, 4, 5, 6, 7, 8, 9) k
    left join lateral beacon.price_of(k.model_id, k.response_model, k.provider, k.place, k.day::timestamp at time zone 'UTC') p on true
  ), a as materialized (
    select k.*, coalesce((k.price).currency, usual_currency) as money,
      case when (k.price).model is null then k.attempts else k.attempts - k.counted end as unknown,
      case when k.counted > 0 then ((k.read - case when (k.price).cached_in_input then coalesce(k.cached_within, 0) else 0 end)
          * (k.price).input + coalesce(k.cached, 0) * coalesce((k.price).cached, (k.price).input)
        + (k.written - case when (k.price).reasoning_in_output then coalesce(k.reasoned_within, 0) else 0 end) * (k.price).output
        + coalesce(k.reasoned, 0) * coalesce((k.price).reasoning, (k.price).output)) / 1000000 + k.counted * (k.price).request end as cost
    from kinds k
  ), parts as (
    select 'all' as part, 1 as nth, a.* from a
    union all select 'answered', 2, a.* from a where a.counts and a.validity = 'answered'
    union all select 'retries', 3, a.* from a where not a.counts
    union all select 'not answered', 4, a.* from a where a.counts and a.validity <> 'answered'
    union all select 'cold', 5, a.* from a where a.cold
    -- What an outage cost stands beside its verdict.
    union all select 'cause: ' || a.cause, 6, a.* from a where a.validity = 'infrastructure'
  ), t as (
    select p.part, p.nth, p.money, sum(p.attempts)::bigint as attempts, sum(p.cost) as cost, sum(p.unknown)::bigint as unknown,
      sum(p.input_tokens)::bigint as input_tokens, sum(p.output_tokens)::bigint as output_tokens,
      sum(p.cached_tokens)::bigint as cached_tokens, sum(p.reasoning_tokens)::bigint as reasoning_tokens
    from parts p group by p.part, p.nth, p.money
  )
  select t.part, nullif(t.money, ''), t.attempts, t.cost::double precision, t.unknown, t.input_tokens, t.output_tokens,
    t.cached_tokens, t.reasoning_tokens, case when t.cost is null then format('%s attempts, none with a known cost.', t.attempts)
      else format('%s %s%s', t.money, round(t.cost, 6)::text,
        case when t.unknown > 0 then format(' and whatever %s of %s attempts cost: their price or tokens are not known', t.unknown,
          t.attempts) else format(' for %s attempts', t.attempts) end) end
  from t
  order by t.nth, t.cost desc nulls last, t.attempts desc, t.part;
end
$$;

comment on function beacon.job_costs(text) is
  'What a job cost: all of it; the attempts that count as answers; retries; cells that were not answered; cold starts (faas.coldstart); '
  'and what failed for each cause. Parts overlap except answered, retries and not answered, which add up to all. cost is the known part, '
  'unknown the attempts that have none.';

create function beacon.outage_cost(of_execution text) returns table (type text, job_id text, attempts bigint, cells bigint,
  unanswered bigint, currency text, failed_cost double precision, retry_cost double precision, cost double precision, unknown bigint,
  said text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  wanted text := beacon.execution_text(of_execution);
  of_job text := (select a.job_id from beacon.answers a where a.job_id is not null
    and (a.execution_id = beacon.execution_number(of_execution) or a.execution_key = beacon.execution_key(of_execution)) limit 1);
  of_traces uuid[];
begin
  if of_job is null then
    of_traces := array(select t.trace_id from beacon.execution_traces(of_execution) t);
    of_job := (select t.job_id from beacon.traces t where t.trace_id = any (of_traces) and t.job_id is not null limit 1);
  end if;
  return query
  with a as materialized (
    select x.* from beacon.priced_attempts(of_job) x where of_job is not null and x.validity <> 'pending'
  ), v as (
    select x.verdict from a x where x.execution = wanted and x.validity = 'infrastructure' and x.verdict is not null
    order by x.attempt desc limit 1
  ), failed as (
    select x.* from a x where x.validity = 'infrastructure' and x.verdict = (select v.verdict from v)
  ), hit as (
    select f.execution, min(f.attempt) as since from failed f group by f.execution
  ), parts as (
    select f.execution, true as failed, f.cost, f.currency from failed f
    union all
    -- What came after it in the cells it hit: tried again because of it.
    select x.execution, false, x.cost, x.currency from a x join hit h on h.execution = x.execution and x.attempt > h.since
    where x.validity <> 'infrastructure' or x.verdict is distinct from (select v.verdict from v)
  ), t as (
    select count(*) filter (where p.failed) as attempts, count(distinct p.execution) as cells, max(p.currency) as currency,
      sum(p.cost) filter (where p.failed) as failed_cost, sum(p.cost) filter (where not p.failed) as retry_cost, sum(p.cost) as cost,
      count(*) filter (where p.cost is null) as unknown, count(*) as paid, count(distinct p.currency) as currencies,
      (select count(*) from hit h where not exists (select from a x where x.execution = h.execution and x.validity = 'answered'))
        as unanswered
    from parts p
  )
  select (select v.verdict from v), of_job, t.attempts, t.cells, t.unanswered, case when t.currencies = 1 then t.currency end,
    case when t.currencies < 2 then t.failed_cost::double precision end, case when t.currencies < 2 then t.retry_cost::double precision end,
    case when t.currencies < 2 then t.cost::double precision end, t.unknown,
    format('%s hit %s in job %s: %s failed, %s left without an answer. ', (select v.verdict from v),
      t.cells || case t.cells when 1 then ' cell' else ' cells' end, of_job,
      t.attempts || case t.attempts when 1 then ' attempt' else ' attempts' end, t.unanswered) || case
      when t.currencies > 1 then 'What that cost is in several currencies: see job_costs.'
      when t.cost is null then 'What that cost is not known: its prices or tokens are not.'
      else format('Known cost %s %s, of which %s for trying again%s.', t.currency, round(t.cost, 6)::text,
        coalesce(round(t.retry_cost, 6), 0)::text, case when t.unknown > 0
          then format('; price or tokens of %s of %s attempts are not known', t.unknown, t.paid) else '' end) end
  from t where t.attempts > 0;
end
$$;

comment on function beacon.outage_cost(text) is
  'What the cause of an execution''s failure cost its job: the attempts that failed by it, and those that came after them in the same '
  'cells. Attempts whose price or tokens are not known are counted in unknown, never as 0. No row where it did not fail, or has no job.';

create function beacon.import_prices(rows jsonb, from_source text) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  imported integer;
begin
  insert into beacon.prices as p (model, provider, region, valid_from, valid_to, currency, input, output, cached, reasoning, request,
    cached_in_input, reasoning_in_output, source, imported_at)
  select r.model, coalesce(r.provider, ''), coalesce(r.region, ''), r.valid_from, r.valid_to, coalesce(nullif(r.currency, ''), 'USD'),
    r.input, r.output, r.cached, r.reasoning, coalesce(r.request, 0), coalesce(r.cached_in_input, true),
    coalesce(r.reasoning_in_output, true), from_source, beacon.clock()
  from jsonb_to_recordset(rows) r (model text, provider text, region text, valid_from date, valid_to date, currency text, input numeric,
    output numeric, cached numeric, reasoning numeric, request numeric, cached_in_input boolean, reasoning_in_output boolean)
  on conflict (model, provider, region, valid_from) do update set valid_to = excluded.valid_to, currency = excluded.currency,
    input = excluded.input, output = excluded.output, cached = excluded.cached, reasoning = excluded.reasoning, request = excluded.request,
    cached_in_input = excluded.cached_in_input, reasoning_in_output = excluded.reasoning_in_output, source = excluded.source,
    imported_at = excluded.imported_at;
  get diagnostics imported = row_count;
  return imported;
end
$$;

comment on function beacon.import_prices(jsonb, text) is
  'Imports prices, a list of objects with the columns of prices, all or none; a row of the same model, provider, region and first day is '
  'replaced. Returns how many rows.';
