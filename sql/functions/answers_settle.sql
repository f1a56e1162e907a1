create function beacon.attempt_reason(validity text, rule text, finish_reason text, verdict text, error_type text) returns text
language sql immutable parallel safe
as $$
  select case validity when 'refused' then coalesce(rule, finish_reason, error_type) when 'truncated' then finish_reason
    when 'infrastructure' then coalesce(verdict, error_type, rule) when 'empty' then coalesce(error_type, finish_reason) end
$$;

comment on function beacon.attempt_reason(text, text, text, text, text) is
  'What decided the validity of an attempt: the rule, the finish reason, the root cause or the code of the error; null for an answer.';

create function beacon.settle_answers(ids bigint[], keys text[] default '{}', of_traces uuid[] default '{}') returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  changed bigint;
begin
  with a as materialized (
    select x.attempt, x.answer_group, coalesce(x.execution_key, x.execution_id::text, x.trace_id::text) as execution, v.validity,
      beacon.attempt_reason(v.validity, x.rule, x.finish_reason, x.verdict, x.error_type) as reason
    from (
      select y.* from beacon.answers y where y.execution_id = any (ids)
      union all
      select y.* from beacon.answers y where y.execution_key = any (keys)
      union all
      select y.* from beacon.answers y where y.trace_id = any (of_traces) and num_nonnulls(y.execution_id, y.execution_key) = 0) x
    left join beacon.answer_rules u on u.name = x.rule
    cross join lateral (select beacon.cell_validity(x.status, x.answer_chars, x.output_tokens, x.finish_reason, u.validity, x.error_type)
      as validity) v
  ), disagreeing as (
    -- Attempts disagree where models said different things; one without an answer says nothing.
    select a.execution from a where a.validity in ('answered', 'refused', 'truncated')
    group by a.execution having count(distinct (a.validity, a.answer_group)) > 1
  ), judged as (
    select a.*, count(*) over (partition by a.execution)::integer as attempts, first_value(a.validity) over w as first_validity,
      first_value(a.answer_group) over w as first_group,
      -- The first that is an answer counts, else the last.
      row_number() over (partition by a.execution order by a.validity = 'answered' desc,
        case when a.validity = 'answered' then a.attempt else -a.attempt end) = 1 as counts
    from a window w as (partition by a.execution order by a.attempt)
  ), stored as (
    select j.execution, j.attempt, j.validity, j.reason,
      case when j.counts then case when d.execution is null then j.validity else 'flaky' end end as cell_validity,
      case when j.counts then j.attempts end as attempts, case when j.counts then j.first_validity end as first_validity,
      case when j.counts then j.first_group end as first_group
    from judged j left join disagreeing d on d.execution = j.execution
  )
  update beacon.answers t set validity = s.validity, reason = s.reason, cell_validity = s.cell_validity, attempts = s.attempts,
    first_validity = s.first_validity, first_group = s.first_group
  from stored s
  where (t.execution_id = any (ids) or t.execution_key = any (keys)
      or t.trace_id = any (of_traces) and num_nonnulls(t.execution_id, t.execution_key) = 0)
    and coalesce(t.execution_key, t.execution_id::text, t.trace_id::text) = s.execution and t.attempt = s.attempt
    and (t.validity, t.reason, t.cell_validity, t.attempts, t.first_validity, t.first_group)
      is distinct from (s.validity, s.reason, s.cell_validity, s.attempts, s.first_validity, s.first_group);
  get diagnostics changed = row_count;
  return changed;
end
$$;

comment on function beacon.settle_answers(bigint[], text[], uuid[]) is
  'Judges all attempts of executions (ids or keys; traces for what belongs to none) and stores what each is worth and what its execution '
  'comes to, in answers. Returns how many rows changed. record_answer and collect_answers call it; a program that inserts rows itself '
  'need not, for maintenance does.';

create function beacon.settle_open_answers(at_most integer default 20000) returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  ids bigint[];
  keys text[];
  traces uuid[];
begin
  select array_agg(distinct o.execution_id) filter (where o.execution_id is not null),
    array_agg(distinct o.execution_key) filter (where o.execution_key is not null),
    array_agg(o.trace_id) filter (where num_nonnulls(o.execution_id, o.execution_key) = 0)
    into ids, keys, traces
  from (select a.execution_id, a.execution_key, a.trace_id from beacon.answers a where a.validity is null limit at_most) o;
  return beacon.settle_answers(coalesce(ids, '{}'), coalesce(keys, '{}'), coalesce(traces, '{}'));
end
$$;

comment on function beacon.settle_open_answers(integer) is
  'Settles answers that are not (see settle_answers), so many rows at most; returns how many changed. Maintenance calls it.';
