create function beacon.rank_signals(signals beacon.signal[], tolerance double precision default 0.2, drift double precision default 0.2)
returns table (service text, score double precision, signal beacon.signal, shared double precision)
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  -- Two points have a mean but no spread that means anything: from three calls on a side on, a measure counts.
  enough constant double precision := 3;
  -- How many calls' worth the spread of all other measures weighs in the spread of one: three equal calls prove no calm.
  borrowed constant double precision := 4;
  -- Standard errors by which a measure may hide what it is said not to show.
  surely constant double precision := 2;
  -- A service with fewer normal calls than this is taken to fail as often as the whole system does.
  known_calls constant double precision := 20;
  -- Without a normal value of its own a call is compared with other calls, which differ by what they do: half as telling.
  unseen_weight constant double precision := 0.5;
  typical_spread double precision;
  error_rate double precision;
  lone_level double precision;
  lone_spread double precision;
  edge_level double precision;
  edge_spread double precision;
begin
  select percentile_cont(0.5) within group (order by (s.usual_spread * s.usual_calls + s.spread * s.calls) / (s.usual_calls + s.calls)),
      avg(s.usual_level) filter (where s.kind = 'lone'), stddev_pop(s.usual_level) filter (where s.kind = 'lone'),
      avg(s.usual_level) filter (where s.kind = 'edge'), stddev_pop(s.usual_level) filter (where s.kind = 'edge')
    into typical_spread, lone_level, lone_spread, edge_level, edge_spread
  from unnest(signals) s
  where s.kind in ('self', 'edge', 'lone') and s.usual_calls >= enough and s.calls >= enough;
  select coalesce(sum(s.usual_level) filter (where s.kind = 'error') / nullif(sum(s.usual_calls) filter (where s.kind in ('self', 'edge',
    'lone')), 0), 0)
    into error_rate
  from unnest(signals) s;

  return query
  with known as materialized (
    select row_number() over () as id, s as signal, s.kind, s.service, s.caller, s.level - s.usual_level as shift,
      s.usual_calls + s.calls - 2 + borrowed as freedom,
      sqrt((s.usual_spread * s.usual_calls + typical_spread * borrowed) / (s.usual_calls + borrowed) / s.usual_calls
         + (s.spread * s.calls + typical_spread * borrowed) / (s.calls + borrowed) / s.calls + drift ^ 2) as error
    from unnest(signals) s
    where s.kind in ('self', 'edge', 'lone', 'answer') and s.usual_calls >= enough and s.calls >= enough
  ), edges as materialized (
    -- A slow service is slow towards everyone and answers late: an edge can charge it with no more than one of these allows for.
    select k.id, k.caller, k.service, k.shift, k.error, k.freedom,
      least((select max(o.shift + surely * o.error) from known o where o.kind = 'edge' and o.service = k.service and o.caller <> k.caller),
        (select max(a.shift + surely * a.error) from known a where a.kind = 'answer' and a.service = k.service and a.caller = k.caller
          and (a.signal).operation = (k.signal).operation
          -- A busy callee lets requests wait and answers in time, but its own work takes longer too.
          and not exists (select from known w where w.kind = 'self' and w.service = k.service and w.shift > tolerance + drift))) as borne
    from known k
    where k.kind = 'edge'
  ), callers as materialized (
    select k.caller, percentile_cont(0.5) within group (order by k.shift) as shift,
      percentile_cont(0.5) within group (order by k.error) as error, percentile_cont(0.5) within group (order by k.freedom) as freedom
    from edges k
    group by k.caller
    having count(distinct k.service) >= 2
    union all
    -- Where only one is called, what the callee cannot have caused.
    select k.caller, percentile_cont(0.5) within group (order by k.shift - greatest(0, k.borne)),
      percentile_cont(0.5) within group (order by k.error), percentile_cont(0.5) within group (order by k.freedom)
    from edges k
    where k.borne is not null
    group by k.caller
    having count(distinct k.service) = 1
  ), common as materialized (
    -- Where the way to all callees became longer, the caller is slow, not each of them: what the others share is its own.
    select k.id, greatest(0, percentile_cont(0.5) within group (order by o.shift)) as shift
    from edges k
    join callers c on c.caller = k.caller
    join edges o on o.caller = k.caller and o.service <> k.service
    group by k.id
    union all
    select k.id, greatest(0, c.shift)
    from callers c
    join edges k on k.caller = c.caller
    where k.borne is not null and not exists (select from edges o where o.caller = k.caller and o.service <> k.service)
  ), downstream as materialized (
    -- Milliseconds a service's own calls take longer than usual: a call to it that left no span contains them.
    select s.caller as service, max(exp(s.level) - case when s.usual_calls >= enough then exp(s.usual_level) else 0 end) as ms
    from unnest(signals) s
    where s.kind in ('edge', 'lone') and s.calls >= enough
    group by s.caller
  ), scored as (
    select k.service, k.signal, coalesce(c.shift, 0) as shared, k.freedom,
      (least(k.shift, case when k.kind = 'lone' and d.ms > 0
          then ln(greatest(exp((k.signal).level) - d.ms, exp((k.signal).usual_level))) - (k.signal).usual_level else k.shift end)
        - coalesce(c.shift, 0) - tolerance) / k.error as z
    from known k
    left join common c on c.id = k.id
    left join downstream d on d.service = k.service
    where k.kind <> 'answer'
    union all
    select c.caller, ('common', c.caller, null, null, null, null, null, 0, c.shift, null, null)::beacon.signal, 0, c.freedom,
      (c.shift - tolerance) / c.error
    from callers c
    union all
    select s.service, s, 0, null, unseen_weight * (
        case when s.kind = 'lone' and d.ms > 0 then ln(greatest(exp(s.level) - d.ms, 1)) else s.level end - m.level - tolerance)
      / sqrt(m.spread ^ 2 + (s.spread * s.calls + typical_spread * borrowed) / (s.calls + borrowed) / s.calls)
    from unnest(signals) s
    left join downstream d on d.service = s.service
    cross join lateral (select case s.kind when 'lone' then lone_level else edge_level end as level,
      case s.kind when 'lone' then lone_spread else edge_spread end as spread) m
    where s.kind in ('edge', 'lone') and s.usual_calls < enough and s.calls >= enough and m.spread > 0
    union all
    select s.service, s, 0, null, beacon.rate_change(e.failures, e.calls, s.level, s.calls)
    from unnest(signals) s
    cross join lateral (select greatest(s.usual_calls, known_calls) as calls,
      s.usual_level + error_rate * greatest(0, known_calls - s.usual_calls) as failures) e
    where s.kind = 'error' and s.level > 0
    union all
    -- Log-odds of making the call, half a call added to each cell so that never and always have a logarithm too.
    select s.service, s, 0, null, (ln((s.usual_level + 0.5) / (s.usual_calls - s.usual_level + 0.5)) - ln((s.level + 0.5)
      / (s.calls - s.level + 0.5)))
      / sqrt(1 / (s.usual_level + 0.5) + 1 / (s.usual_calls - s.usual_level + 0.5) + 1 / (s.level + 0.5) + 1 / (s.calls - s.level + 0.5)
        + drift ^ 2)
    from unnest(signals) s
    where s.kind = 'vanished' and s.usual_calls >= enough and s.calls >= enough
  )
  select distinct on (q.service) q.service,
    -- Kinds of evidence are independent measures of one service: their log-likelihoods add up, and what speaks for it is left out.
    case when q.score > 0 then sqrt(sum(greatest(0, q.score) ^ 2) over (partition by q.service)) else q.score end,
    q.signal, q.shared
  from (
    select distinct on (f.service, f.family) f.service, f.signal, f.shared, f.score
    from (
      -- Few calls give a large z by luck: the likelihood ratio of a Student t with that many degrees of freedom does not.
      select s.service, s.signal, s.shared, case (s.signal).kind when 'lone' then 'edge' else (s.signal).kind end as family,
        case when s.freedom is null then s.z else sign(s.z) * sqrt(s.freedom * ln(1 + s.z ^ 2 / s.freedom)) end as score
      from scored s) f
    where f.score is not null
    order by f.service, f.family, f.score desc, (f.signal).kind, (f.signal).operation) q
  order by q.service, q.score desc, (q.signal).kind, (q.signal).operation;
end
$$;

comment on function beacon.rank_signals(beacon.signal[], double precision, double precision) is
  'Evidence against each service, all kinds on one scale: the signed root of the likelihood ratio between "it changed" and "it did not", '
  'roughly a z-score; score is the root of the sum of squares of the best of each kind, signal the strongest. tolerance: a shift of the '
  'logarithm up to it (0.2 = 22 %) is no news, two healthy windows differ by as much. drift: what one operation''s mean wanders between '
  'healthy windows, however many calls are averaged (0.2). shared: how much of an edge''s shift belongs to its caller, because the '
  'caller''s other edges share it or because the callee answers in time and reaches its other callers in time.';

create function beacon.rate_change(usual_hits double precision, usual_calls double precision, hits double precision, calls double precision)
returns double precision
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
declare
  n0 double precision := usual_calls + 0.5;
  n1 double precision := calls + 0.5;
  rate double precision := (usual_hits + hits) / (n0 + n1);
  g double precision := 0;
begin
  g := g + case when usual_hits > 0 then usual_hits * ln(usual_hits / (n0 * rate)) else 0 end
         + case when hits > 0 then hits * ln(hits / (n1 * rate)) else 0 end
         + (n0 - usual_hits) * ln((n0 - usual_hits) / (n0 * (1 - rate)))
         + (n1 - hits) * ln((n1 - hits) / (n1 * (1 - rate)));
  return sign(hits / n1 - usual_hits / n0) * sqrt(greatest(0, 2 * g));
end
$$;

comment on function beacon.rate_change(double precision, double precision, double precision, double precision) is
  'Signed root of the G statistic of two rates: how surely one is higher than the other, on the scale of a z-score.';

create function beacon.rank_root_causes(incident_from timestamptz, incident_to timestamptz, normal_from timestamptz, normal_to timestamptz)
returns table (rank integer, service text, score double precision, reason text, evidence jsonb)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  signals beacon.signal[];
begin
  select array_agg(s) into signals from beacon.window_signals(incident_from, incident_to, normal_from, normal_to) s;
  return query
  select (row_number() over (order by r.score desc, r.service))::integer, r.service, round(r.score::numeric, 2)::double precision,
    -- Of some hundred measures one exceeds 3 by chance in a few windows of ten.
    case when r.score < 3 then 'weak, may be chance: ' else '' end || beacon.signal_text(r.signal),
    jsonb_strip_nulls(jsonb_build_object('signal', (r.signal).kind, 'caller', nullif((r.signal).caller, ''), 'operation',
      (r.signal).operation, 'detail', (r.signal).detail,
      'calls', (r.signal).calls, 'usual_calls', (r.signal).usual_calls, 'shared_with_other_callees', nullif(round(r.shared::numeric, 2),
        0), 'weak', r.score < 3,
      'instances', beacon.worst_instances(signals, r.service)))
  from beacon.rank_signals(coalesce(signals, '{}')) r
  where r.score > 0
  order by 1
  limit 10;
end
$$;

comment on function beacon.rank_root_causes(timestamptz, timestamptz, timestamptz, timestamptz) is
  'Services whose behaviour in an incident differs from a normal window, worst first, with the strongest evidence against each: own time '
  'of an operation, time on the way to it, failures that began there, calls it no longer makes. At most 10; a score below 3 is marked '
  'weak.';

create function beacon.signal_text(s beacon.signal) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  -- Counts are levels too, and no exponent.
  usual_ms text := case when s.kind not in ('error', 'vanished') then round((exp(s.usual_level) - 1)::numeric, 1) end;
  ms text := case when s.kind not in ('error', 'vanished') then round((exp(s.level) - 1)::numeric, 1) end;
begin
  return case s.kind
    when 'self' then format('its own time in %s rose from %s to %s ms a call', s.operation, usual_ms, ms)
    when 'common' then format('its calls take %s times as long on the way as usual, which their callees do not explain: it is slow itself',
      round(exp(s.level)::numeric, 1))
    when 'error' then format('failures begin here: %s in %s of %s calls, usually %s of %s', s.detail, s.level, s.calls, s.usual_level,
      s.usual_calls)
    when 'vanished' then format('%s no longer calls %s: in %s of %s, usually in %s of %s', s.operation, s.detail, s.level, s.calls,
      s.usual_level, s.usual_calls)
    else case when s.usual_calls < 3 then format('calls from %s take %s ms, and no usual value is known', s.caller, ms)
      else format('calls from %s spend %s ms %s instead of %s', s.caller, ms, case s.kind when 'edge' then 'on the way to it'
        else 'with it' end, usual_ms) end
  end;
end
$$;

comment on function beacon.signal_text(beacon.signal) is 'A signal as a clause of a sentence about its service; times are geometric means.';

create function beacon.worst_instances(signals beacon.signal[], of_service text) returns jsonb
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select jsonb_agg(jsonb_build_object('instance', i.detail, 'calls', i.calls, 'failures', i.spread, 'own_ms',
      round((exp(i.level) - 1)::numeric, 1)) order by i.place)
    from (
      select s.detail, s.calls, s.spread, s.level, row_number() over (order by s.spread / s.calls desc, s.level desc, s.detail) as place
      from unnest(signals) s
      where s.kind = 'instance' and s.service = of_service) i
    where i.place <= 3);
end
$$;

comment on function beacon.worst_instances(beacon.signal[], text) is
  'The three instances of a service where most failed, then where calls took longest (geometric mean of own time), during the incident; '
  'null where spans name no instance.';
