create function beacon.column_hash(name text, value text) returns bigint
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return hashtextextended(value, hashtextextended(e'\x02' || name, 0));
end
$$;

comment on function beacon.column_hash(text, text) is 'Fingerprint of a column of a span, as the chunk index holds it.';

create function beacon.name_hash(service text, operation text, kind text) returns bigint
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return hashtextextended(operation, hashtextextended(service, hashtextextended(kind, 0)));
end
$$;

comment on function beacon.name_hash(text, text, text) is 'name_id of span_names.';

create function beacon.json_hash(key text, value jsonb) returns bigint
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- Equal numbers have one hash, 1 as 1.0.
  return hashtextextended(case when jsonb_typeof(value) = 'number' then trim_scale((value #>> '{}')::numeric)::text
    else coalesce(value #>> '{}', 'null') end, hashtextextended(key, 0));
end
$$;

comment on function beacon.json_hash(text, jsonb) is 'Fingerprint of an attribute with its value, as the chunk index holds it.';

create function beacon.signature_mask(hash bigint) returns bit(512)
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  none constant bit(512) := repeat('0', 512)::bit(512);
begin
  -- Where the bytes of a number go from high to low the writer has other hashes: every trace may have it.
  if hashtextextended('beacon', 0) <> 1678852928738480468 then
    return none;
  end if;
  return set_bit(set_bit(none, (hash >> 20 & 511)::integer, 1), (hash >> 32 & 511)::integer, 1);
end
$$;

comment on function beacon.signature_mask(bigint) is
  'Bits that the signature of a trace has where something with this fingerprint occurs in it.';

create function beacon.note_spans(of_traces uuid[], created timestamptz[], counted boolean default true) returns integer
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
declare
  at timestamptz;
  made bigint;
  prints integer[];
  noted integer := 0;
begin
  foreach at in array created loop
    insert into beacon.span_chunks (created_from, created_to, started_from, active_to, spans, few)
    select at, at, min(s.started_at), max(greatest(s.started_at, s.completed_at)), count(*), '{}'
    from beacon.trace_spans s
    where s.trace_id = any (of_traces) and s.created_at = at
    having count(*) > 0
    returning chunk_id into made;
    continue when made is null;
    prints := array(
      with spans as materialized (
        select s.* from beacon.trace_spans s where s.trace_id = any (of_traces) and s.created_at = at
      ), attributes as materialized (
        select a.key, a.value
        from spans s
        cross join lateral (
          select m.key, m.value from jsonb_each(s.metadata) m
          union all
          select m.key, m.value from jsonb_array_elements(case when jsonb_typeof(s.events) = 'array' then s.events end) e,
            jsonb_each(case when jsonb_typeof(e -> 'attributes') = 'object' then e -> 'attributes' else '{}' end
              || jsonb_build_object('name', e -> 'name')) m
          union all
          select m.key, m.value from jsonb_array_elements(case when jsonb_typeof(s.links) = 'array' then s.links end) e,
            jsonb_each(case when jsonb_typeof(e -> 'attributes') = 'object' then e -> 'attributes' else '{}' end) m
        ) a
      ), hashes as (
        select hashtextextended(a.key, 0) as h from attributes a
        union
        select beacon.json_hash(a.key, a.value) from attributes a where jsonb_typeof(a.value) <> 'array'
        union
        select beacon.json_hash(a.key, e) from attributes a,
          jsonb_array_elements(case when jsonb_typeof(a.value) = 'array' then a.value else '[]' end) e
        union
        select beacon.column_hash(k.name, k.value)
        from spans s
        cross join lateral (values ('service', s.service), ('operation', s.operation), ('status', s.status), ('kind', s.kind),
          ('model', s.model_id), ('region', s.region), ('error', s.error_type), ('resource', s.resource_id::text)) k (name, value)
        where k.value is not null
      )
      select distinct (h.h & 1048575)::integer from hashes h);
    update beacon.span_chunks c set few = prints where c.chunk_id = made;
    noted := noted + 1;
  end loop;
  -- What the signatures do not know of: the traces may have anything.
  update beacon.traces t set signature = null where t.trace_id = any (of_traces) and t.signature is not null;
  insert into beacon.span_names as n (name_id, service, operation, kind)
  select distinct beacon.name_hash(s.service, s.operation, s.kind), s.service, s.operation, s.kind
  from beacon.trace_spans s
  where s.trace_id = any (of_traces) and s.created_at = any (created)
  on conflict (name_id) do nothing;
  insert into beacon.long_traces as l (trace_id, started_at, active_to)
  select t.trace_id, t.started_at, t.active_to from beacon.traces t
  where t.trace_id = any (of_traces) and t.active_to - t.started_at > interval '1 minute'
  on conflict (trace_id) do update set started_at = excluded.started_at, active_to = excluded.active_to;
  if counted then
    insert into beacon.span_deltas (name_ids, minutes, lasts, classes, calls, totals, minute_from, minute_to)
    select array_agg(c.name_id), array_agg(c.minute), array_agg(c.last), array_agg(c.class), array_agg(c.calls), array_agg(c.total),
      min(c.minute), max(c.minute)
    from (
      select beacon.name_hash(s.service, s.operation, s.kind) as name_id, s.minute,
        max(s.micros - 60000000 * s.minute::bigint)::integer as last,
        (4 * (coalesce(beacon.duration_bucket(s.duration_ms), -1) + 1) + case when s.parent_span_id is null then 2 else 0 end
          + case when beacon.has_failed(s.status) then 1 else 0 end)::smallint as class,
        count(*)::integer as calls, coalesce(sum(s.duration_ms), 0) as total
      from (
        select x.*, floor(x.micros / 60000000.0)::integer as minute
        from (
          select q.*, round(1000000 * extract(epoch from q.started_at - '2000-01-01 00:00:00+00'))::bigint as micros
          from beacon.trace_spans q
          where q.trace_id = any (of_traces) and q.created_at = any (created)) x) s
      group by 1, 2, 4) c
    having count(*) > 0;
  end if;
  return noted;
end
$$;

comment on function beacon.note_spans(uuid[], timestamptz[], boolean) is
  'Writes chunks, names and, if they are to be counted, counts of the spans of these traces that were stored at these moments, and which '
  'of the traces are long: what writers do themselves, for rows that did not come through one. Returns the chunks it made.';

create function beacon.merge_chunks(at_most integer default 200, chunk_spans integer default 1024, pieces integer default 16)
  returns integer
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
declare
  merged integer := 0;
  run record;
  made bigint;
  prints integer[];
begin
  -- Small pieces that follow each other, of what is a moment old; each run of them becomes one piece.
  for run in
    with small as (
      select c.chunk_id, c.created_from, c.spans
      from beacon.span_chunks c
      where c.few is not null and c.created_from < beacon.clock() - interval '10 seconds'
      order by c.chunk_id limit 64 * at_most
    ), placed as (
      select s.*, sum(greatest(s.spans, 1)) over (order by s.created_from, s.chunk_id) / chunk_spans as place from small s
    )
    select array_agg(p.chunk_id) as ids, count(*) as pieces from placed p group by p.place
    having count(*) >= pieces
    order by min(p.chunk_id)
    limit at_most
  loop
    prints := array(select distinct f from beacon.span_chunks c cross join unnest(c.few) f where c.chunk_id = any (run.ids));
    insert into beacon.span_chunks (created_from, created_to, started_from, active_to, spans, few)
    select min(c.created_from), max(c.created_to), min(c.started_from), max(c.active_to), sum(c.spans),
      case when cardinality(prints) < 256 then prints end
    from beacon.span_chunks c where c.chunk_id = any (run.ids)
    returning chunk_id into made;
    insert into beacon.span_chunk_index (segment, chunk_id, fingerprints)
    select (f & 15)::smallint, made, array_agg(((f >> 4) - 32768)::smallint)
    from unnest(prints) f
    where cardinality(prints) >= 256
    group by 1;
    delete from beacon.span_chunks c where c.chunk_id = any (run.ids);
    merged := merged + run.pieces;
  end loop;
  return merged;
end
$$;

comment on function beacon.merge_chunks(integer, integer, integer) is
  'Puts small chunks that follow each other together, to about so many spans, where there are at least so many pieces; returns how many '
  'it put together.';

create function beacon.chunks_with(hashes bigint[], terms integer[], from_time timestamptz, to_time timestamptz) returns table (
  created_from timestamptz, created_to timestamptz, started_from timestamptz, active_to timestamptz, spans integer, archived integer)
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = force_generic_plan
-- How many chunks are found is a guess; a loop over all for each would take longer than the rest.
set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  wanted integer := (select count(distinct t) from unnest(terms) t);
  term integer;
  hash bigint;
  hits bigint[];
  found bigint[];
begin
  return query
  select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, c.chunk_id
  from beacon.archive_chunks c where c.chunk_id = any (beacon.archived_with(hashes, terms, from_time, to_time));
  -- Where the bytes of a number go from high to low, what the writer noted cannot be found by this hash.
  if wanted = 0 or hashtextextended('beacon', 0) <> 1678852928738480468 then
    return query
    select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, null::integer from beacon.span_chunks c
    where c.active_to >= from_time and c.started_from < to_time;
    return;
  end if;
  -- Term by term: once few chunks are left, only those.
  for term in select distinct t from unnest(terms) t order by 1 loop
    found := '{}';
    for hash in select n.h from unnest(hashes, terms) n (h, t) where n.t = term and n.h is not null loop
      if cardinality(hits) <= 30 then
        found := found || array(
          select p.chunk_id from beacon.span_chunk_index p
          where p.segment = (hash & 15)::smallint and p.chunk_id = any (hits)
            and (((hash >> 4) & 65535) - 32768)::smallint = any (p.fingerprints));
      else
        found := found || array(
          select p.chunk_id from beacon.span_chunk_index p
          where p.segment = (hash & 15)::smallint and (((hash >> 4) & 65535) - 32768)::smallint = any (p.fingerprints));
      end if;
    end loop;
    if cardinality(hits) > 30 then
      found := array(select f from unnest(found) f intersect select h from unnest(hits) h);
    end if;
    hits := found;
  end loop;
  return query
  select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, null::integer
  from beacon.span_chunks c
  where c.few is null and c.active_to >= from_time and c.started_from < to_time and c.chunk_id in (select h from unnest(hits) h)
  union all
  select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, null::integer
  from beacon.span_chunks c
  where c.few is not null and c.active_to >= from_time and c.started_from < to_time and (
    select count(distinct n.t) from unnest(hashes, terms) n (h, t) where (n.h & 1048575)::integer = any (c.few)) = wanted;
end
$$;

comment on function beacon.chunks_with(bigint[], integer[], timestamptz, timestamptz) is
  'Chunks in which spans of that time may fit all terms, with their number in the archive for those that are there. For each term, by its '
  'number, one hash or several of which one must occur.';

create function beacon.drop_old_chunks(expired timestamptz) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  gone bigint[];
begin
  delete from beacon.span_rollups r where r.step_s = 60 and r.at < beacon.clock() - interval '8 hours';
  delete from beacon.span_rollups r where r.at < expired - make_interval(secs => r.step_s);
  gone := array(select c.chunk_id from beacon.span_chunks c where c.active_to < expired);
  delete from beacon.span_chunk_index p where p.chunk_id = any (gone);
  delete from beacon.span_chunks c where c.chunk_id = any (gone);
  delete from beacon.span_names n where n.seen_at < expired;
end
$$;

comment on function beacon.drop_old_chunks(timestamptz) is
  'Forgets chunks, counts and names of spans that retention has dropped, and minutes older than 8 hours.';
