create function beacon.cut_chunks(at_most integer default 100, chunk_spans integer default 2048) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  -- created_at is the start of the storing transaction, which may still be running: writers give up after 65 seconds.
  quiet timestamptz := beacon.clock() - interval '2 minutes';
  cut_from timestamptz;
  first_at timestamptz;
  cut_to timestamptz;
  last_id integer;
  made integer := 0;
begin
  select max(c.created_to), max(c.chunk_id) into cut_from, last_id from beacon.span_chunks c;
  cut_from := coalesce(cut_from, '-infinity');
  last_id := coalesce(last_id, 0);
  while made < at_most loop
    select s.created_at into first_at from beacon.trace_spans s where s.created_at >= cut_from order by s.created_at limit 1;
    select s.created_at into cut_to from beacon.trace_spans s where s.created_at >= cut_from order by s.created_at offset chunk_spans
      limit 1;
    exit when cut_to is null or cut_to >= quiet;
    -- What one transaction stored stays together.
    if cut_to = first_at then
      cut_to := cut_to + interval '1 microsecond';
    end if;
    last_id := last_id + 1;
    insert into beacon.span_chunks (chunk_id, created_from, created_to, started_min, started_max, spans)
    select last_id, cut_from, cut_to, min(s.started_at), max(s.started_at), count(*)
    from beacon.trace_spans s
    where s.created_at >= cut_from and s.created_at < cut_to;
    cut_from := cut_to;
    made := made + 1;
  end loop;
  return made;
end
$$;

comment on function beacon.cut_chunks(integer, integer) is
  'Cuts what was stored since the newest chunk, and more than two minutes ago, into chunks of about so many spans; returns how many it '
  'made.';

create function beacon.settle_chunks(at_most integer default 100, within interval default '1 second') returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  c beacon.span_chunks;
  open_spans bigint;
  lost bigint;
  settled integer := 0;
  began timestamptz := clock_timestamp();
begin
  -- In any order: chunks in which something hangs must not keep the others waiting for ever.
  for c in select x.* from beacon.span_chunks x where x.settled_at is null order by random() loop
    exit when settled >= at_most or clock_timestamp() > began + within;
    -- What has been open for a day is waited for no longer: it is searched like a lost span.
    select count(*) filter (where s.status = 'started' and s.started_at > beacon.clock() - interval '1 day'),
      count(*) filter (where s.status in ('started', 'lost'))
      into open_spans, lost
    from beacon.trace_spans s
    where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max;
    continue when open_spans > 0;
    perform beacon.index_chunk(c);
    perform beacon.count_chunk(c);
    update beacon.span_chunks x set settled_at = beacon.clock(), lost_spans = lost, hash_check = hashtextextended('beacon', 0)
    where x.chunk_id = c.chunk_id;
    settled := settled + 1;
  end loop;
  return settled;
end
$$;

comment on function beacon.settle_chunks(integer, interval) is
  'Writes index entries and counts of chunks in which nothing is open any more, for about so long, so that storing '
  'spans has the machine when they come fast; returns of how many.';

create function beacon.index_chunk(c beacon.span_chunks) returns void
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
begin
  insert into beacon.span_chunk_index (segment, chunk_id, fingerprints)
  with attributes as materialized (
    -- One hash stands for a key with its value; equal numbers have the same, 1 as 1.0.
    select a.key, jsonb_hash_extended(a.value, hashtextextended(a.key, 0)) as h, min(case when jsonb_typeof(a.value) = 'array'
      then a.value::text end) as list
    from (
      select m.key, m.value from beacon.trace_spans s, jsonb_each(s.metadata) m
      where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max
      union all
      select m.key, m.value from beacon.trace_spans s, jsonb_array_elements(s.events) e,
        jsonb_each(case when jsonb_typeof(e -> 'attributes') = 'object' then e -> 'attributes'
          else '{}' end || jsonb_build_object('name', e -> 'name')) m
      where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max
        and jsonb_typeof(s.events) = 'array'
      union all
      select m.key, m.value from beacon.trace_spans s, jsonb_array_elements(s.links) e, jsonb_each(e -> 'attributes') m
      where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max
        and jsonb_typeof(s.links) = 'array' and jsonb_typeof(e -> 'attributes') = 'object'
    ) a
    group by 1, 2
  ), columns as (
    select distinct s.service, s.operation, s.status, s.kind, s.model_id, s.region, s.error_type, s.resource_id
    from beacon.trace_spans s
    where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max
  ), hashes as (
    select a.h from attributes a
    union
    select jsonb_hash_extended(e, hashtextextended(a.key, 0)) from attributes a, jsonb_array_elements(a.list::jsonb) e
      where a.list is not null
    union
    select hashtextextended(k.key, 0) from (select distinct a.key from attributes a) k
    union
    select beacon.column_hash(k.name, k.value)
    from columns d
    cross join lateral (values ('service', d.service), ('operation', d.operation), ('status', d.status), ('kind', d.kind),
      ('model', d.model_id),
      ('region', d.region), ('error', d.error_type), ('resource', d.resource_id::text)) k (name, value)
    where k.value is not null
  )
  select h.h & 63, c.chunk_id, array_agg(distinct (((h.h >> 6) & 65535) - 32768)::smallint)
  from hashes h
  group by 1;
end
$$;

comment on function beacon.index_chunk(beacon.span_chunks) is
  'Writes down which attributes, keys and columns occur in a chunk.';

create function beacon.column_hash(name text, value text) returns bigint
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return hashtextextended(name || e'\x02' || value, 0);
end
$$;

comment on function beacon.column_hash(text, text) is 'Fingerprint of a column of a span, as the chunk index holds it.';

create function beacon.chunks_with(hashes bigint[], terms integer[], from_time timestamptz) returns table (
  created_from timestamptz, created_to timestamptz, started_min timestamptz, started_max timestamptz, spans integer)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  wanted integer := (select count(distinct t) from unnest(terms) t);
begin
  return query
  with hits as materialized (
    select q.chunk_id
    from (
      select distinct p.chunk_id, n.term
      from unnest(hashes, terms) n (hash, term)
      join beacon.span_chunk_index p on p.segment = (n.hash & 63)::smallint
      where (((n.hash >> 6) & 65535) - 32768)::smallint = any (p.fingerprints)
    ) q
    group by q.chunk_id
    having count(*) = wanted
  )
  select c.created_from, c.created_to, c.started_min, c.started_max, c.spans
  from beacon.span_chunks c
  where c.started_max >= from_time and (wanted = 0 or c.settled_at is null or c.lost_spans > 0
    or c.hash_check is distinct from hashtextextended('beacon', 0) or c.chunk_id in (select h.chunk_id from hits h))
  union all
  select coalesce(max(c.created_to), '-infinity'), 'infinity', '-infinity', 'infinity', null
  from beacon.span_chunks c
  order by 1 desc;
end
$$;

comment on function beacon.chunks_with(bigint[], integer[], timestamptz) is
  'Chunks in which spans of that time may fit all terms, newest first, and last what has not been cut into chunks yet, which comes first. '
  'For each term, by its number, one hash or several of which one must occur.';

create function beacon.count_chunk(c beacon.span_chunks) returns void
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
begin
  insert into beacon.span_rollups as r (step_s, at, service, operation, kind, root, counts, total_ms, last_at)
  with counted as materialized (
    select date_bin('1 minute', s.started_at, '2000-01-01 00:00:00+00') as at, s.service, s.operation, s.kind, s.parent_span_id is null
      as root,
      coalesce(beacon.duration_bucket(s.duration_ms), -1) as bucket,
      count(*)::integer as calls, (count(*) filter (where beacon.has_failed(s.status)))::integer as errors,
      coalesce(sum(s.duration_ms), 0) as total_ms, max(s.started_at) as last_at
    from beacon.trace_spans s
    where s.created_at >= c.created_from and s.created_at < c.created_to and s.started_at between c.started_min and c.started_max
    group by 1, 2, 3, 4, 5, 6
  ), hourly as (
    -- Minutes are for questions about the last hours.
    select 60 as step_s, n.* from counted n where n.at > beacon.clock() - interval '7 hours'
    union all
    select g.step_s, date_bin(make_interval(secs => g.step_s), n.at, '2000-01-01 00:00:00+00'), n.service, n.operation, n.kind, n.root,
      n.bucket, sum(n.calls)::integer, sum(n.errors)::integer,
      sum(n.total_ms), max(n.last_at)
    from counted n cross join (values (600), (3600), (21600)) g (step_s)
    group by 1, 2, 3, 4, 5, 6, 7
  )
  select h.step_s, h.at, h.service, h.operation, h.kind, h.root, array_agg(array[h.bucket, h.calls, h.errors] order by h.bucket),
    sum(h.total_ms), max(h.last_at)
  from hourly h
  group by 1, 2, 3, 4, 5, 6
  on conflict (step_s, at, service, operation, kind, root) do update set
    counts = beacon.add_counts(r.counts, excluded.counts), total_ms = r.total_ms + excluded.total_ms, last_at = greatest(r.last_at,
      excluded.last_at);
end
$$;

comment on function beacon.count_chunk(beacon.span_chunks) is 'Adds the spans of a chunk to span_rollups.';

create function beacon.add_counts(a integer[], b integer[]) returns integer[]
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select array_agg(array[q.bucket, q.calls, q.errors] order by q.bucket)
    from (
      select x.bucket, sum(x.calls)::integer as calls, sum(x.errors)::integer as errors
      from (
        select a[i][1] as bucket, a[i][2] as calls, a[i][3] as errors from generate_subscripts(a, 1) i
        union all
        select b[i][1], b[i][2], b[i][3] from generate_subscripts(b, 1) i) x
      group by x.bucket) q);
end
$$;

comment on function beacon.add_counts(integer[], integer[]) is 'Sum of two columns counts of span_rollups.';

create function beacon.drop_old_chunks(expired timestamptz) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  gone integer[];
begin
  delete from beacon.span_rollups r where r.step_s = 60 and r.at < beacon.clock() - interval '8 hours';
  delete from beacon.span_rollups r where r.at < expired - make_interval(secs => r.step_s);
  -- The newest stays: where it ends, the next begins.
  gone := array(select c.chunk_id from beacon.span_chunks c where c.started_max < expired
    and c.chunk_id < (select max(x.chunk_id) from beacon.span_chunks x));
  delete from beacon.span_chunk_index p where p.chunk_id = any (gone);
  delete from beacon.span_chunks c where c.chunk_id = any (gone);
end
$$;

comment on function beacon.drop_old_chunks(timestamptz) is
  'Forgets chunks and counts of spans that retention has dropped, and minutes older than 8 hours.';
