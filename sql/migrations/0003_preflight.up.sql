-- What the doctor and the preflight have to remember.

alter table beacon.tracers add column surroundings jsonb not null default '{}';

comment on column beacon.tracers.surroundings is
  'What of the process decides whether its spans arrive: copies of the API, registered provider, sampler, loader, callers'' sampling.';

create table beacon.preflights (
  preflight_id  uuid        not null,
  taken_at      timestamptz not null default now(),
  taken_by      text        not null,
  decision      text        not null,
  baseline      jsonb       not null default '{}',
  checks        jsonb       not null default '[]',
  constraint preflights_key primary key (preflight_id),
  constraint preflights_decision_is_known check (decision in ('GO', 'NO-GO', 'UNKNOWN'))
);

comment on table beacon.preflights is
  'One row a run of beacon preflight: the decision, what was measured, and the baseline that --compare compares with.';
comment on column beacon.preflights.taken_by is 'Who ran it: the user of the machine it ran on.';
comment on column beacon.preflights.decision is 'GO, NO-GO, or UNKNOWN when something could not be checked.';
comment on column beacon.preflights.baseline is 'Executions of the days before: count, average, maximum, p95, sum of squares, and the slowest statements where pg_stat_statements exists.';
comment on column beacon.preflights.checks is 'Rows of the table that was printed.';
