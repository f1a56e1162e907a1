create function beacon.due_alert_rules() returns setof beacon.alert_rules
language plpgsql
set search_path = beacon, pg_catalog
as $$
begin
  return query
  update beacon.alert_rules r set evaluated_at = beacon.clock()
  where r.name in (
    select d.name from beacon.alert_rules d where d.evaluated_at is null or d.evaluated_at <= beacon.clock() - d.every
    order by d.evaluated_at nulls first limit 50 for update skip locked)
  returning r.*;
end
$$;

comment on function beacon.due_alert_rules() is
  'Takes the rules whose turn it is: each is given to one server. One that dies before it has noted what it found leaves it to the next '
  'turn, which looks at the same stretch of time.';

create function beacon.note_alerts(of_rule text, found_now jsonb, complete boolean) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r beacon.alert_rules;
  made integer;
begin
  -- What is noted, and what is to be said about it, commits together.
  select * into r from beacon.alert_rules where name = of_rule for update;
  if not found then
    return 0;
  end if;
  insert into beacon.alerts as a (rule, fingerprint, severity, summary, cause, link, facts, began_at, last_at)
  select distinct on (f.fingerprint) of_rule, f.fingerprint, r.severity, f.summary, f.cause, f.link, coalesce(f.facts, '{}'),
    beacon.clock(), beacon.clock()
  from jsonb_to_recordset(found_now) f (fingerprint text, summary text, cause text, link text, facts jsonb)
  order by f.fingerprint
  on conflict (rule, fingerprint) where resolved_at is null
  do update set last_at = excluded.last_at, seen = a.seen + 1, facts = excluded.facts, summary = excluded.summary, cause = excluded.cause;
  if complete then
    update beacon.alerts set resolved_at = beacon.clock()
    where rule = of_rule and resolved_at is null
      and fingerprint not in (select f.value ->> 'fingerprint' from jsonb_array_elements(found_now) f);
  end if;
  -- A silenced failure that is still there when the silence ends is said then; one that is over by then never was.
  with fresh as (
    update beacon.alerts set sent = true
    where rule = of_rule and resolved_at is null and not sent and (r.silenced_until is null or r.silenced_until <= beacon.clock())
    returning id
  ), over as (
    select a.id from beacon.alerts a where a.rule = of_rule and a.sent and a.resolved_at is not null
      and not exists (select from beacon.alert_deliveries d where d.alert_id = a.id and d.event = 'resolved')
      and a.resolved_at > beacon.clock() - interval '1 day'
  )
  insert into beacon.alert_deliveries (alert_id, target, event, due_at, created_at)
  select e.id, t.name, e.event, beacon.clock(), beacon.clock()
  from (select id, 'firing' as event from fresh union all select id, 'resolved' from over) e
  join beacon.alert_targets t on t.name = any (r.targets)
  where e.event = 'firing' or exists (select from beacon.alert_deliveries d where d.alert_id = e.id and d.target = t.name);
  get diagnostics made = row_count;
  update beacon.alert_rules set last_error = null where name = of_rule and last_error is not null;
  return made;
end
$$;

comment on function beacon.note_alerts(text, jsonb, boolean) is
  'Notes what a rule found: opens, continues and, where the rows were complete, resolves its alerts, and puts into the queue what is to be '
  'said, in one transaction. found_now is a list of {fingerprint, summary, cause, link, facts}. Returns how many deliveries it made.';

create function beacon.claim_deliveries(max_results integer default 10, lease interval default '1 minute')
returns table (id uuid, event text, attempts integer, kind text, url text, url_env text, secret_env text, target text, alert jsonb)
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with due as (
    select d.id from beacon.alert_deliveries d
    where d.acknowledged_at is null and d.due_at <= beacon.clock()
      and exists (select from beacon.alert_targets t where t.name = d.target)
      -- "It is over" never arrives before "it began".
      and not exists (select from beacon.alert_deliveries e where e.alert_id = d.alert_id and e.target = d.target and e.nth < d.nth
        and e.acknowledged_at is null)
    order by d.due_at, d.nth limit max_results for update of d skip locked
  ), claimed as (
    update beacon.alert_deliveries d set attempts = d.attempts + 1, due_at = beacon.clock() + lease
    from due where d.id = due.id returning d.*
  )
  select c.id, c.event, c.attempts, t.kind, t.url, t.url_env, t.secret_env, t.name,
    case when a.id is null then jsonb_build_object('id', c.alert_id, 'rule', 'test', 'fingerprint', 'test', 'severity', 'info',
      'summary', 'A test: alerts of Beacon arrive here.', 'began_at', c.created_at) else to_jsonb(a) end
  from claimed c
  join beacon.alert_targets t on t.name = c.target
  left join beacon.alerts a on a.id = c.alert_id
  order by c.nth;
end
$$;

comment on function beacon.claim_deliveries(integer, interval) is
  'Takes deliveries that are due, each for one server, for as long as the lease: what a server that died had taken is due again then.';

create function beacon.end_delivery(of_delivery uuid, acknowledged boolean, status integer, error text, retry_after interval) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
begin
  update beacon.alert_deliveries d
  set acknowledged_at = case when acknowledged then beacon.clock() end, status = end_delivery.status,
    last_error = case when not acknowledged then left(error, 500) end,
    -- 2, 4, 8 seconds, up to 15 minutes; a receiver that names a time is obeyed.
    due_at = case when acknowledged then d.due_at else beacon.clock() + coalesce(retry_after,
      least(interval '15 minutes', interval '1 second' * 2 ^ least(d.attempts, 12))) end
  where d.id = of_delivery and d.acknowledged_at is null;
end
$$;

comment on function beacon.end_delivery(uuid, boolean, integer, text, interval) is
  'Notes what became of an attempt. What was acknowledged is never sent again; the rest is due again after a pause that doubles.';

create function beacon.alert_target(name text, kind text, url text default null, url_env text default null, secret_env text default null)
returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  insert into beacon.alert_targets (name, kind, url, url_env, secret_env)
  values (alert_target.name, alert_target.kind, case when alert_target.kind = 'pagerduty' and alert_target.url_env is null
    then coalesce(alert_target.url, 'https://events.pagerduty.com/v2/enqueue') else alert_target.url end, alert_target.url_env,
    alert_target.secret_env)
  on conflict (name) do update set kind = excluded.kind, url = excluded.url, url_env = excluded.url_env, secret_env = excluded.secret_env;
end
$$;

comment on function beacon.alert_target(text, text, text, text, text) is
  'Adds or changes a target of alerts: webhook, slack or pagerduty, with its address, or the names of the environment variables of the '
  'server that hold the address and the secret.';

create function beacon.silence_alerts(of_rule text, until timestamptz) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  silenced integer;
begin
  update beacon.alert_rules set silenced_until = until where name = of_rule;
  get diagnostics silenced = row_count;
  return silenced;
end
$$;

comment on function beacon.silence_alerts(text, timestamptz) is
  'Until then what the rule finds is noted and not sent; what is still there afterwards is sent then. null ends the silence. Returns how '
  'many rules have that name.';

create function beacon.test_alert_target(of_target text) returns uuid
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  made uuid;
begin
  insert into beacon.alert_deliveries (alert_id, target, event, due_at, created_at)
  select gen_random_uuid(), t.name, 'test', beacon.clock(), beacon.clock() from beacon.alert_targets t where t.name = of_target
  returning id into made;
  return made;
end
$$;

comment on function beacon.test_alert_target(text) is
  'Puts a test message to a target into the queue; returns the id of its delivery, null where there is no such target.';
