-- A month is 720 hours; in steps of six it is 120.
insert into beacon.span_rollups (step_s, at, service, operation, kind, root, counts, total_ms, last_at)
select 21600, c.at, c.service, c.operation, c.kind, c.root, array_agg(array[c.bucket, c.calls, c.errors] order by c.bucket),
  sum(c.total_ms), max(c.last_at)
from (
  select date_bin('6 hours', r.at, '2000-01-01 00:00:00+00') as at, r.service, r.operation, r.kind, r.root, r.counts[i][1] as bucket,
    sum(r.counts[i][2])::integer as calls, sum(r.counts[i][3])::integer as errors,
    -- Once a row, not once a class.
    sum(case when i = 1 then r.total_ms else 0 end) as total_ms, max(r.last_at) as last_at
  from beacon.span_rollups r
  cross join lateral generate_subscripts(r.counts, 1) i
  where r.step_s = 3600
  group by 1, 2, 3, 4, 5, 6) c
group by 1, 2, 3, 4, 5, 6;

comment on table beacon.span_rollups is
  'Spans of settled chunks, counted by minute (step_s 60), ten minutes (600), hour (3600) and six hours (21600) of their start, operation and duration class.';
