-- Baselines added up by day: what is usual over a week is read from seven rows where there were 168.

create table beacon.operation_baseline_days (
  day       timestamptz not null,
  service   text        not null,
  operation text        not null,
  model_id  text        not null default '',
  region    text        not null default '',
  bucket    smallint    not null,
  calls     bigint      not null default 0,
  errors    bigint      not null default 0,
  constraint operation_baseline_days_key primary key (service, operation, model_id, region, day, bucket)
);

comment on table beacon.operation_baseline_days is 'operation_baselines added up by day (UTC).';
comment on column beacon.operation_baseline_days.day is 'Begin of the day.';
comment on column beacon.operation_baseline_days.bucket is 'As in operation_baselines.';

create index operation_baseline_days_day on beacon.operation_baseline_days (day);

insert into beacon.operation_baseline_days (day, service, operation, model_id, region, bucket, calls, errors)
select date_bin('1 day', o.hour, '2000-01-01 00:00:00+00'), o.service, o.operation, o.model_id, o.region, o.bucket, sum(o.calls),
  sum(o.errors)
from beacon.operation_baselines o
group by 1, 2, 3, 4, 5, 6;
