-- Alerts: rules are rows, what they found is rows, and what is to be delivered is rows that a server claims. A row is inserted in the
-- transaction that notes the failure, so a process or a database that dies between loses nothing.

create table beacon.alert_targets (
  name       text        not null,
  kind       text        not null,
  url        text,
  url_env    text,
  secret_env text,
  created_at timestamptz not null default now(),
  constraint alert_targets_key primary key (name),
  constraint alert_targets_kind_is_known check (kind in ('webhook', 'slack', 'pagerduty')),
  constraint alert_targets_have_one_address check (kind = 'pagerduty' or num_nonnulls(url, url_env) = 1),
  constraint alert_targets_url_is_http check (url ~ '^https?://[^/@]+(/|$)')
);

comment on table beacon.alert_targets is 'Where alerts may be sent. Only who may write to this database adds one: no API does, so none can make the server call another address.';
comment on column beacon.alert_targets.name is 'Name rules use.';
comment on column beacon.alert_targets.kind is 'webhook (signed as Standard Webhooks), slack (incoming webhook) or pagerduty (Events API v2).';
comment on column beacon.alert_targets.url is 'Address, where it is no secret; without user and password.';
comment on column beacon.alert_targets.url_env is 'Environment variable of the server that holds the address, where it is one (Slack).';
comment on column beacon.alert_targets.secret_env is 'Environment variable of the server that holds the secret: the key of signatures, or PagerDuty''s routing key.';
comment on column beacon.alert_targets.created_at is 'When it was added.';

create table beacon.alert_rules (
  name           text        not null,
  query          text        not null,
  params         jsonb       not null default '{}',
  condition      text        not null default '',
  fingerprint    text[]      not null default '{}',
  within_time    interval    not null default '15 minutes',
  every          interval    not null default '30 seconds',
  targets        text[]      not null default '{}',
  severity       text        not null default 'error',
  silenced_until timestamptz,
  evaluated_at   timestamptz,
  last_error     text,
  created_at     timestamptz not null default now(),
  constraint alert_rules_key primary key (name),
  constraint alert_rules_severity_is_known check (severity in ('critical', 'error', 'warning', 'info')),
  constraint alert_rules_window_is_positive check (within_time > interval '0' and every > interval '0')
);

comment on table beacon.alert_rules is 'When to alert: a condition on the rows of a registered query over the last stretch of time. Deleting a rule resolves its alerts without saying so to anyone.';
comment on column beacon.alert_rules.name is 'Name of the rule.';
comment on column beacon.alert_rules.query is 'Registered query that is asked: findings, health, job-differences, ...';
comment on column beacon.alert_rules.params is 'Its parameters.';
comment on column beacon.alert_rules.condition is 'Which of its rows alert: column, operator and value, joined by "and", as in: executions >= 3 and type = NETWORK_TIMEOUT. Empty: every row.';
comment on column beacon.alert_rules.fingerprint is 'Columns that tell one failure from another; empty: those that name one (type, service, operation, ...).';
comment on column beacon.alert_rules.within_time is 'How far back the query looks, where it is about a range of time.';
comment on column beacon.alert_rules.every is 'How often it is asked.';
comment on column beacon.alert_rules.targets is 'Names in alert_targets.';
comment on column beacon.alert_rules.severity is 'critical, error, warning or info.';
comment on column beacon.alert_rules.silenced_until is 'Until then what it finds is noted and not sent.';
comment on column beacon.alert_rules.evaluated_at is 'When it was last asked, or taken to be asked.';
comment on column beacon.alert_rules.last_error is 'Why it could not be asked the last time; null where it could.';
comment on column beacon.alert_rules.created_at is 'When it was made.';

create table beacon.alerts (
  id          uuid        not null default gen_random_uuid(),
  rule        text        not null,
  fingerprint text        not null,
  severity    text        not null,
  summary     text        not null,
  cause       text,
  link        text,
  facts       jsonb       not null default '{}',
  seen        bigint      not null default 1,
  sent        boolean     not null default false,
  began_at    timestamptz not null default now(),
  last_at     timestamptz not null default now(),
  resolved_at timestamptz,
  constraint alerts_key primary key (id)
);

comment on table beacon.alerts is 'One row a failure that a rule found, from when it was first seen until it was over.';
comment on column beacon.alerts.id is 'Id.';
comment on column beacon.alerts.rule is 'Rule that found it.';
comment on column beacon.alerts.fingerprint is 'What tells it from other failures of the rule.';
comment on column beacon.alerts.severity is 'That of the rule.';
comment on column beacon.alerts.summary is 'One sentence.';
comment on column beacon.alerts.cause is 'Type of the cause and what to do, where the query says.';
comment on column beacon.alerts.link is 'Where to look: a path of the page.';
comment on column beacon.alerts.facts is 'The row that met the condition when it was last seen.';
comment on column beacon.alerts.seen is 'In how many evaluations it was seen.';
comment on column beacon.alerts.sent is 'Whether deliveries were made for it; false while its rule is silenced.';
comment on column beacon.alerts.began_at is 'When it was first seen.';
comment on column beacon.alerts.last_at is 'When it was last seen.';
comment on column beacon.alerts.resolved_at is 'When it was over; null while it is not.';

-- A failure is open once, also where two servers evaluate its rule at the same moment.
create unique index alerts_open on beacon.alerts (rule, fingerprint) where resolved_at is null;

create index alerts_by_time on beacon.alerts (began_at);

create table beacon.alert_deliveries (
  id              uuid        not null default gen_random_uuid(),
  alert_id        uuid        not null,
  target          text        not null,
  event           text        not null,
  nth             bigint      generated always as identity,
  attempts        integer     not null default 0,
  due_at          timestamptz not null default now(),
  acknowledged_at timestamptz,
  status          integer,
  last_error      text,
  created_at      timestamptz not null default now(),
  constraint alert_deliveries_key primary key (id),
  constraint alert_deliveries_event_is_known check (event in ('firing', 'resolved', 'test'))
);

comment on table beacon.alert_deliveries is 'What is to be sent, and what came of it: the queue of the alerts. It is sent until a receiver acknowledges it with 2xx, and never again.';
comment on column beacon.alert_deliveries.id is 'Id by which a receiver can drop a repeat: one that it answered and that died before this table knew.';
comment on column beacon.alert_deliveries.alert_id is 'Alert it tells of.';
comment on column beacon.alert_deliveries.target is 'Target it is sent to.';
comment on column beacon.alert_deliveries.event is 'firing, resolved, or test.';
comment on column beacon.alert_deliveries.nth is 'Order: what a target hears of one alert it hears in this order.';
comment on column beacon.alert_deliveries.attempts is 'How often it was sent.';
comment on column beacon.alert_deliveries.due_at is 'Not to be sent before: while a server is sending it, and while a failed attempt backs off.';
comment on column beacon.alert_deliveries.acknowledged_at is 'When the receiver answered 2xx; null until then.';
comment on column beacon.alert_deliveries.status is 'HTTP status of the last attempt; null where none came.';
comment on column beacon.alert_deliveries.last_error is 'What went wrong in the last attempt; null where it was acknowledged.';
comment on column beacon.alert_deliveries.created_at is 'When it was put into the queue.';

create index alert_deliveries_due on beacon.alert_deliveries (due_at) where acknowledged_at is null;

create index alert_deliveries_of_alert on beacon.alert_deliveries (alert_id, target, nth);
