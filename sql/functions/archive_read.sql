create function beacon.archived_in(of_traces uuid[], since timestamptz default '-infinity', until timestamptz default 'infinity')
  returns integer[]
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = force_generic_plan
as $$
begin
  -- What is asked about most is not in the archive yet.
  if not exists (select from beacon.archive_chunks c where c.active_to >= since and c.started_from <= until) then
    return '{}';
  end if;
  return array(
    select distinct i.chunk_id
    from unnest(of_traces) t (trace_id)
    cross join lateral (select beacon.column_hash('trace', t.trace_id::text) as h) h
    join beacon.archive_index i on i.segment = (h.h & 63)::smallint and ((h.h >> 6 & 65535) - 32768)::smallint = any (i.fingerprints)
    join beacon.archive_chunks c on c.chunk_id = i.chunk_id
    where c.active_to >= since and c.started_from <= until
    order by i.chunk_id);
end
$$;

comment on function beacon.archived_in(uuid[], timestamptz, timestamptz) is
  'Chunks of the archive that may have spans of these traces that started in this time.';

create function beacon.archived_alone(of_chunk integer, of_traces uuid[] default null, since timestamptz default '-infinity',
  until timestamptz default 'infinity')
  returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = auto
as $$
declare
  spans beacon.trace_spans[];
  traces uuid[];
  first_at timestamptz;
  last_at timestamptz;
  again jsonb;
begin
  spans := array(select s from beacon.unpack_spans(of_chunk, of_traces) s where s.started_at between since and until);
  select array_agg(distinct s.trace_id), min(s.started_at), max(s.started_at) into traces, first_at, last_at from unnest(spans) s;
  -- Asked for by itself: on a cluster spans are on workers, and the archive is not.
  select jsonb_object_agg(x.trace_id::text || x.span_id::text || extract(epoch from x.started_at), true) into again
  from beacon.trace_spans x where x.trace_id = any (traces) and x.started_at between first_at and last_at;
  return query
  select s.* from unnest(spans) s
  where again is null or not again ? (s.trace_id::text || s.span_id::text || extract(epoch from s.started_at));
end
$$;

comment on function beacon.archived_alone(integer, uuid[], timestamptz, timestamptz) is
  'Spans of a chunk of the archive that started in this time, of these traces or of all where they are null, without those that arrived in '
  'trace_spans again.';

create function beacon.archived_spans(of_traces uuid[], since timestamptz default '-infinity', until timestamptz default 'infinity')
  returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  chunk integer;
begin
  foreach chunk in array beacon.archived_in(of_traces, since, until) loop
    return query select s.* from beacon.archived_alone(chunk, of_traces, since, until) s;
  end loop;
end
$$;

comment on function beacon.archived_spans(uuid[], timestamptz, timestamptz) is
  'Spans of these traces that are in the archive and started in this time, as they were in trace_spans; without those that arrived there '
  'again.';

create function beacon.spans_of(of_traces uuid[], since timestamptz default '-infinity', until timestamptz default 'infinity')
  returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
-- Whatever a caller has set: which workers of a cluster have them is known by the values.
set plan_cache_mode = auto
as $$
begin
  -- Two statements: the first may run on a worker, where there is no archive.
  return query
  select s.* from beacon.trace_spans s where s.trace_id = any (of_traces) and s.started_at between since and until;
  return query
  select a.* from beacon.archived_spans(of_traces, since, until) a;
end
$$;

comment on function beacon.spans_of(uuid[], timestamptz, timestamptz) is
  'Spans of these traces that started in this time, wherever they are: in trace_spans or in the archive.';

create function beacon.stored_spans(of_trace uuid, since timestamptz, until timestamptz) returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = auto
as $$
begin
  return query
  select s.* from beacon.trace_spans s where s.trace_id = of_trace and s.started_at between since and until;
end
$$;

comment on function beacon.stored_spans(uuid, timestamptz, timestamptz) is
  'Spans of a trace in trace_spans that started in this time: for statements that ask trace by trace, where spans are on the workers of a '
  'cluster.';

create function beacon.archived_with(hashes bigint[], terms integer[], from_time timestamptz, to_time timestamptz) returns integer[]
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = force_generic_plan
as $$
declare
  wanted integer := (select count(distinct t) from unnest(terms) t);
begin
  if wanted = 0 then
    return array(
      select c.chunk_id from beacon.archive_chunks c
      where c.active_to >= from_time and c.started_from < to_time order by c.created_to desc);
  end if;
  return array(
    select c.chunk_id
    from beacon.archive_chunks c
    join (
      select i.chunk_id
      from unnest(hashes, terms) n (h, t)
      join beacon.archive_index i on i.segment = (n.h & 63)::smallint and ((n.h >> 6 & 65535) - 32768)::smallint = any (i.fingerprints)
      group by i.chunk_id
      having count(distinct n.t) = wanted) f on f.chunk_id = c.chunk_id
    where c.active_to >= from_time and c.started_from < to_time
    order by c.created_to desc);
end
$$;

comment on function beacon.archived_with(bigint[], integer[], timestamptz, timestamptz) is
  'Chunks of the archive in which spans of that time may fit all terms, the last stored first. For each term, by its number, one hash or '
  'several of which one must occur.';

create function beacon.archived_between(from_time timestamptz, to_time timestamptz, hashes bigint[] default '{}',
  terms integer[] default '{}')
  returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  chunk integer;
begin
  foreach chunk in array beacon.archived_with(hashes, terms, from_time, to_time) loop
    return query
    select s.* from beacon.unpack_spans(chunk, null) s where s.started_at >= from_time and s.started_at <= to_time;
  end loop;
end
$$;

comment on function beacon.archived_between(timestamptz, timestamptz, bigint[], integer[]) is
  'Spans that are in the archive and started in this time, of the chunks in which some may fit all terms, as archived_with says.';

create function beacon.spans_with_jobs(of_jobs text[], since timestamptz, until timestamptz) returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = auto
as $$
begin
  return query
  select s.* from beacon.trace_spans s where s.job_id = any (of_jobs) and s.started_at between since and until;
  return query
  select a.*
  from beacon.archived_between(since, until, array(select beacon.column_hash('job', j) from unnest(of_jobs) j),
    array_fill(1, array[cardinality(of_jobs)])) a
  where a.job_id = any (of_jobs);
end
$$;

comment on function beacon.spans_with_jobs(text[], timestamptz, timestamptz) is
  'Spans of these jobs that started in this time, wherever they are: in trace_spans or in the archive.';
