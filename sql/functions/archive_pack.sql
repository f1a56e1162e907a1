create function beacon.archive_spans(of_partition text, at_most integer default 32768) returns integer
language plpgsql
set search_path = beacon, pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set bytea_output = 'hex'
set extra_float_digits = 1
set jit = off
set work_mem = '64MB'
-- How many rows there are is known here and not to the planner.
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
  chunk integer := nextval(pg_get_serial_sequence('beacon.archive_chunks', 'chunk_id'));
  columns_sql text;
  moved integer;
begin
  -- Every column there is, whenever it was added, but for those that have a way of their own below.
  select string_agg(format('select q.i, ''c'', %L, %s from numbered q where %s is not null', a.attname,
      case when a.atttypid = 'jsonb'::regtype then format('q.%I::text', a.attname) else format('to_json(q.%I::text)::text', a.attname) end,
      case a.attname when 'completed_at' then 'q.nanos is null and q.completed_at'
        when 'duration_ms' then 'q.nanos is null and q.duration_ms'
        when 'parent_span_id' then 'q.parent = 1 and q.parent_span_id' when 'events' then 'q.event_times is null and q.events'
        when 'metadata' then 'jsonb_typeof(q.metadata) <> ''object'' and q.metadata'
        else format('q.%I', a.attname) end), ' union all ')
    into columns_sql
  from pg_attribute a
  where a.attrelid = 'beacon.trace_spans'::regclass and a.attnum > 0 and not a.attisdropped
    and a.attname not in ('trace_id', 'span_id', 'started_at');

  execute replace(replace($statement$
  with picked as (
    select s.trace_id, s.span_id, s.started_at from beacon.of_partition s where s.status <> 'started'
    order by s.created_at, s.trace_id limit $1 for update skip locked
  ), gone as (
    delete from beacon.of_partition s using picked p
    where s.trace_id = p.trace_id and s.span_id = p.span_id and s.started_at = p.started_at
    returning s.*
  ), again as materialized (
    -- What was sent a second time, after the first was archived.
    select u.trace_id, u.span_id, u.started_at
    from (select array_agg(distinct g.trace_id) as ids, min(g.started_at) as since, max(g.started_at) as until
      from gone g where g.created_at > g.started_at + interval '1 day') l
    cross join lateral unnest(beacon.archived_in(l.ids, l.since, l.until)) c (chunk)
    cross join lateral beacon.unpack_spans(c.chunk, l.ids) u
    where u.status <> 'lost'
  ), ordered as materialized (
    select g.*, (row_number() over w - 1)::integer as i, (extract(epoch from g.started_at) * 1000000)::bigint as us,
      min((extract(epoch from g.started_at) * 1000000)::bigint) over (partition by g.trace_id) as trace_us,
      pg_column_size(g.*) as bytes,
      case when g.duration_ms between 0 and 9e9 then round(g.duration_ms * 1000000)::bigint end as whole,
      -- The times of events are most of what differs between them.
      case when jsonb_typeof(g.events) = 'array' and jsonb_array_length(g.events) > 0 and not exists (
          select from jsonb_array_elements(g.events) e
          where jsonb_typeof(e) <> 'object' or jsonb_typeof(e -> 'time') is distinct from 'string'
            or e ->> 'time' !~ '^(0|[1-9][0-9]{0,18})$')
        then (select string_agg(((e.value ->> 'time')::bigint - 1000 * (extract(epoch from g.started_at) * 1000000)::bigint
          - g.started_ns)::text,
          ',' order by e.ordinality) from jsonb_array_elements(g.events) with ordinality e) end as event_times
    from gone g
    left join again a on a.trace_id = g.trace_id and a.span_id = g.span_id and a.started_at = g.started_at
    where a.trace_id is null
    window w as (order by g.trace_id, g.started_at, g.started_ns, g.span_id)
  ), parents as (
    select c.i, min(c.i - p.i) as distance
    from ordered c join ordered p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id
    group by c.i
  ), numbered as materialized (
    select o.*,
      case when o.parent_span_id is null then 0 when p.distance is null then 1
        when p.distance >= 0 then 2 + 2 * p.distance else 1 - 2 * p.distance end::bigint as parent,
      case when o.whole / 1e6::double precision = o.duration_ms
        and o.completed_at = 'epoch'::timestamptz + ((1000 * o.us + o.started_ns + o.whole) / 1000) * interval '1 microsecond'
        then o.whole end as nanos
    from ordered o left join parents p on p.i = o.i
  ), cells_all (i, kind, name, value) as materialized (
    (columns_sql)
    union all
    select q.i, 'a', k.key, k.value::text from numbered q
    cross join lateral jsonb_each(case when jsonb_typeof(q.metadata) = 'object' then q.metadata else '{}' end) k
    union all
    select q.i, 'c', 'events', (select jsonb_agg(e.value - 'time' order by e.ordinality)::text
      from jsonb_array_elements(q.events) with ordinality e)
    from numbered q where q.event_times is not null
    union all
    select q.i, 'c', '/event_times', to_json(q.event_times)::text from numbered q where q.event_times is not null
  ), whole as (
    select count(*)::integer as spans, count(distinct q.trace_id)::integer as traces,
      min(q.created_at) as created_from, max(q.created_at) as created_to, min(q.started_at) as started_from,
      max(q.started_at) as started_to, max(greatest(q.started_at, q.completed_at)) as active_to, sum(q.bytes + 28) as bytes,
      min(q.us) as us
    from numbered q
  ), rare as (
    select c.name from cells_all c, whole w where c.kind = 'a'
    group by c.name, w.spans having count(*) < w.spans / 128
  ), cells as materialized (
    select c.i, c.kind, c.name, c.value from cells_all c where c.kind <> 'a' or c.name not in (select r.name from rare r)
    union all
    select c.i, 'a', '*', string_agg(to_json(c.name)::text || ': ' || c.value, ', ' order by c.name collate "C")
    from cells_all c where c.kind = 'a' and c.name in (select r.name from rare r)
    group by c.i
  ), facts as materialized (
    select c.kind, c.name, c.value, count(*) as rows,
      row_number() over (partition by c.kind collate "C", c.name collate "C" order by c.value collate "C") as code,
      substring(c.value from '(0|[1-9][0-9]{0,14})"?$') as digits, (right(c.value, 1) = '"')::integer as quoted
    from cells c group by c.kind, c.name, c.value
  ), columns as materialized (
    select (row_number() over ())::integer as place, f.kind, f.name, count(*) as values, sum(f.rows) as rows,
      count(*) > 16 and count(*) = count(f.digits) and count(distinct left(f.value, -length(f.digits) - f.quoted)) = 1
        and count(distinct f.quoted) = 1
        and beacon.byte_width(max(f.digits::bigint) - min(f.digits::bigint) + 1) * w.spans
          <= sum(length(f.value)) / 2 + beacon.byte_width(count(*)) * w.spans as counts,
      min(left(f.value, -length(f.digits) - f.quoted)) as prefix, case when min(f.quoted) = 1 then '"' else '' end as suffix,
      min(f.digits::bigint) as base, max(f.digits::bigint) as top
    from facts f, whole w
    group by f.kind, f.name, w.spans
  ), coded as (
    select k.place, c.i, case when k.counts then f.digits::bigint - k.base + 1 else f.code end as number
    from cells c
    join facts f on f.kind = c.kind and f.name = c.name and f.value = c.value
    join columns k on k.kind = c.kind and k.name = c.name
    join whole w on not (k.values = 1 and k.rows = w.spans)
  ), unit as (
    select case when bool_and(q.nanos % 1000000 = 0) then 1000000 when bool_and(q.nanos % 1000 = 0) then 1000 else 1 end as nanos
    from numbered q where q.nanos is not null
  ), numbers as materialized (
    select c.place, c.i, c.number from coded c
    union all
    select k.place, q.i, k.number
    from numbered q, unit u
    cross join lateral (values (-1, q.parent), (-2, q.us - q.trace_us), (-3, q.nanos / u.nanos + 1)) k (place, number)
    where k.number > 0
    union all
    select k.place, t.i, k.number
    from (
      select (row_number() over (order by q.trace_id) - 1)::integer as i, min(q.us) - w.us as started, count(*) as spans
      from numbered q, whole w group by q.trace_id, w.us) t
    cross join lateral (values (-4, t.started + 1), (-5, t.spans)) k (place, number)
    where k.number > 0
  ), widths as (
    select n.place, beacon.byte_width(max(n.number)) as width from numbers n group by n.place
  ), spaced as (
    select n.place, n.i, n.number, w.width,
      substring($4 from 1 for n.i - 1 - coalesce(lag(n.i) over (partition by n.place order by n.i), -1)) as gap
    from numbers n
    join widths w on w.place = n.place
  ), planes as (
    select s.place, s.width, max(s.i) as last,
      string_agg(s.gap || set_byte('\x00', 0, (s.number & 255)::integer), '' order by s.i) as p0,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 8 & 255)::integer), '' order by s.i) filter (where s.width > 1) as p1,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 16 & 255)::integer), '' order by s.i) filter (where s.width > 2) as p2,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 24 & 255)::integer), '' order by s.i) filter (where s.width > 3) as p3,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 32 & 255)::integer), '' order by s.i) filter (where s.width > 4) as p4,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 40 & 255)::integer), '' order by s.i) filter (where s.width > 5) as p5,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 48 & 255)::integer), '' order by s.i) filter (where s.width > 6) as p6,
      string_agg(s.gap || set_byte('\x00', 0, (s.number >> 56 & 255)::integer), '' order by s.i) filter (where s.width > 7) as p7
    from spaced s group by s.place, s.width
  ), packed as (
    insert into beacon.archive_columns (chunk_id, kind, name, entries, width, low, high, texts, base, unit, prefix, suffix)
    select $2, k.kind::"char", k.name, e.entries, p.width,
      case when p.width = 3 then p.p2 || e.rest else '' end || case when p.width > 1 then p.p1 || e.rest else '' end || p.p0 || e.rest,
      case when p.width > 3 then coalesce(p.p7 || e.rest, '') || coalesce(p.p6 || e.rest, '') || coalesce(p.p5 || e.rest, '')
        || coalesce(p.p4 || e.rest, '') || p.p3 || e.rest || p.p2 || e.rest end,
      case when not k.counts then t.texts end,
      case when k.counts then k.base when k.place = -4 then w.us end,
      case when k.counts then 1 when k.place = -3 then u.nanos end,
      case when k.counts then k.prefix end, case when k.counts then k.suffix end
    from planes p
    cross join whole w
    cross join unit u
    cross join lateral (select case when p.place < -3 then w.traces else w.spans end as entries) n
    cross join lateral (select n.entries, substring($4 from 1 for n.entries - 1 - p.last) as rest) e
    join (
      select c.place, c.kind, c.name, c.counts, c.base, c.prefix, c.suffix from columns c
      union all
      values (-1, 'n', 'parent', false, null::bigint, null::text, null::text), (-2, 'n', 'start', false, null, null, null),
        (-3, 'n', 'duration', false, null, null, null), (-4, 't', 'start', false, null, null, null),
        (-5, 't', 'spans', false, null, null, null)) k on k.place = p.place
    left join (select f.kind, f.name, string_agg(f.value, e'\n' order by f.code) as texts from facts f group by f.kind, f.name) t
      on t.kind = k.kind and t.name = k.name
    union all
    select $2, k.kind::"char", k.name, w.spans, 0, null, null, f.value, null, null, null, null
    from columns k
    join whole w on k.values = 1 and k.rows = w.spans
    join facts f on f.kind = k.kind and f.name = k.name
  ), hashes as (
    select hashtextextended(c.name, 0) as h from (
      select c.name from columns c where c.kind = 'a' and c.name <> '*' union all select r.name from rare r) c
    union
    select beacon.json_hash(c.name, e.value)
    from (
      select f.name, f.value from facts f where f.kind = 'a' and f.name <> '*'
      union all
      select a.name, a.value from cells_all a where a.kind = 'a' and a.name in (select r.name from rare r)) c
    cross join lateral (select c.value::jsonb as json) j
    cross join lateral (
      select j.json as value where jsonb_typeof(j.json) <> 'array'
      union all
      select a from jsonb_array_elements(case when jsonb_typeof(j.json) = 'array' then j.json else '[]' end) a) e
    union
    select x.h
    from (select f.name, f.value::jsonb as json from facts f where f.kind = 'c' and f.name in ('events', 'links')) f
    cross join lateral jsonb_array_elements(case when jsonb_typeof(f.json) = 'array' then f.json else '[]' end) e
    cross join lateral jsonb_each(case when jsonb_typeof(e -> 'attributes') = 'object' then e -> 'attributes' else '{}' end
      || case when f.name = 'events' then jsonb_build_object('name', e -> 'name') else '{}' end) m
    cross join lateral (
      select hashtextextended(m.key, 0) as h
      union all
      select beacon.json_hash(m.key, m.value) where jsonb_typeof(m.value) <> 'array'
      union all
      select beacon.json_hash(m.key, a) from jsonb_array_elements(case when jsonb_typeof(m.value) = 'array' then m.value else '[]' end) a
    ) x
    union
    select beacon.column_hash(n.known, f.value::jsonb #>> '{}')
    from facts f
    join (values ('service', 'service'), ('operation', 'operation'), ('status', 'status'), ('kind', 'kind'), ('model_id', 'model'),
      ('region', 'region'), ('error_type', 'error'), ('resource_id', 'resource'), ('job_id', 'job'), ('execution_id', 'execution'),
      ('execution_key', 'execution'))
      n (name, known) on n.name = f.name
    where f.kind = 'c'
    union
    select beacon.column_hash('trace', t.trace_id::text) from (select distinct q.trace_id from numbered q) t
  ), indexed as (
    insert into beacon.archive_index (segment, chunk_id, fingerprints)
    select d.segment, $2, array_agg(d.fingerprint)
    from (select distinct (h & 63)::smallint as segment, ((h >> 6 & 65535) - 32768)::smallint as fingerprint from hashes) d
    cross join whole w where w.spans > 0
    group by d.segment
  ), chunked as (
    insert into beacon.archive_chunks (chunk_id, day, spans, traces, created_from, created_to, started_from, started_to, active_to,
      bytes_before, trace_ids, span_ids)
    overriding system value
    select $2, (w.started_from at time zone 'UTC')::date, w.spans, w.traces, w.created_from, w.created_to, w.started_from, w.started_to,
      w.active_to, w.bytes * $3,
      (select string_agg(uuid_send(t.trace_id), '' order by t.trace_id) from (select distinct q.trace_id from numbered q) t),
      (select string_agg(q.span_id, '' order by q.i) from numbered q)
    from whole w where w.spans > 0
  )
  select count(*) from gone
  $statement$, 'columns_sql', columns_sql), 'of_partition', quote_ident(of_partition))
  into moved
  using at_most, chunk, beacon.size_over_heap(of_partition), decode(repeat('00', at_most), 'hex');
  return coalesce(moved, 0);
end
$$;

comment on function beacon.archive_spans(text, integer) is
  'Moves so many spans of a partition, those stored first, into a chunk of the archive, both in one transaction; an open span stays. '
  'Returns how many it moved.';

create function beacon.size_over_heap(of_partition text) returns numeric
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  partition regclass := format('beacon.%I', of_partition)::regclass;
begin
  return pg_total_relation_size(partition)::numeric / greatest(8192, pg_relation_size(partition));
end
$$;

comment on function beacon.size_over_heap(text) is
  'How much a partition takes with its indexes and TOAST, as a multiple of its rows alone.';
