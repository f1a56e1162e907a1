create function beacon.unpack_spans(of_chunk integer, of_traces uuid[] default null, filters jsonb default '[]')
  returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
set timezone = 'UTC'
set datestyle = 'ISO'
set jit = off
set work_mem = '64MB'
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
  chunk beacon.archive_chunks;
  first_rows bigint[];
  sizes bigint[];
  places integer[] := '{}';   -- of the traces that are wanted, counted from 1
  fitting integer[];          -- rows that may fit the filters
  starts bigint[];
  base bigint;
  of_trace uuid;
  at integer;
  each record;
  span beacon.trace_spans;
  us bigint;
begin
  select * into chunk from beacon.archive_chunks c where c.chunk_id = of_chunk;
  if not found then
    return;
  end if;
  if filters <> '[]' then
    fitting := beacon.archived_rows(of_chunk, filters);
    if fitting = '{}' then
      return;
    end if;
  end if;
  chunk.trace_ids := chunk.trace_ids || ''::bytea;
  chunk.span_ids := chunk.span_ids || ''::bytea;
  sizes := beacon.trace_numbers(of_chunk, 'spans', chunk.traces);
  starts := beacon.trace_numbers(of_chunk, 'start', chunk.traces);
  base := (select c.base from beacon.archive_columns c where c.chunk_id = of_chunk and c.kind = 't' and c.name = 'start');
  select array_agg(s.first order by s.ordinality) into first_rows
  from (select u.ordinality, sum(u.size) over (order by u.ordinality) - u.size as first from unnest(sizes) with ordinality u (size)) s;
  if of_traces is null then
    places := array(select generate_series(1, chunk.traces));
  else
    foreach of_trace in array of_traces loop
      at := 1;
      loop
        at := position(uuid_send(of_trace) in substring(chunk.trace_ids from at)) + at - 1;
        exit when substring(chunk.trace_ids from at for 16) is distinct from uuid_send(of_trace);
        if at % 16 = 1 then
          places := places || (at / 16 + 1);
          exit;
        end if;
        at := at + 1;
      end loop;
    end loop;
  end if;
  if places = '{}' then
    return;
  end if;

  for each in
    with columns as materialized (
      select (row_number() over ())::integer as place, c.entries, c.width::integer as width, c.low || ''::bytea as low,
        c.high || ''::bytea as high, c.texts, c.base, c.unit, c.prefix, c.suffix,
        case c.name when '*' then '' else to_json(c.name) || ':' end as key,
        case when c.kind = 'a' then 1 when c.kind = 'n' then case c.name when 'parent' then 2 when 'start' then 3 else 4 end
          else case c.name when 'created_at' then 5 when 'events' then 6 when '/event_times' then 7 else 0 end end as role
      from beacon.archive_columns c where c.chunk_id = of_chunk and c.kind <> 't'
    ), wanted as materialized (
      select g as i, p.place
      from unnest(places) p (place)
      cross join lateral generate_series(first_rows[p.place]::integer, (first_rows[p.place] + sizes[p.place])::integer - 1) g
      where fitting is null or g in (select f from unnest(fitting) f)
    ), fixed as (
      select string_agg(c.key || c.texts, ',') filter (where c.role = 0) as known,
        string_agg(c.key || c.texts, ',') filter (where c.role = 1) as attributes
      from columns c where c.width = 0
    ), numbers as materialized (
      select w.i, c.place, n.number
      from wanted w
      cross join columns c
      cross join lateral (select beacon.number_at(c.low, c.high, c.width, c.entries, w.i) as number offset 0) n
      where n.number > 0 and not (c.width = 0 and c.role < 2)
    ), meanings as materialized (
      -- For few rows, only what they mention.
      select n.place, n.number, split_part(c.texts, e'\n', n.number::integer) as text
      from (select distinct m.place, m.number from numbers m) n
      join columns c on c.place = n.place
      where c.texts is not null and (select count(*) from wanted w) <= 100
      union all
      select c.place, t.ordinality, t.text
      from columns c
      cross join lateral unnest(string_to_array(c.texts, e'\n')) with ordinality t (text)
      where c.texts is not null and (select count(*) from wanted w) > 100
    ), assembled as materialized (
      select n.i,
        concat_ws(',', string_agg(c.key || x.text, ',') filter (where c.role = 0)) as known,
        concat_ws(',', string_agg(c.key || x.text, ',') filter (where c.role = 1)) as attributes,
        coalesce(max(n.number) filter (where c.role = 2), 0) as parent, coalesce(max(n.number) filter (where c.role = 3), 0) as start,
        max((n.number - 1) * c.unit) filter (where c.role = 4) as nanos, max(x.text) filter (where c.role = 5) as created,
        max(x.text) filter (where c.role = 6) as events, max(x.text) filter (where c.role = 7) as event_times
      from numbers n
      join (select k.place, k.key, k.role, k.base, k.unit, k.prefix, k.suffix from columns k) c on c.place = n.place
      left join meanings m on m.place = n.place and m.number = n.number
      cross join lateral (
        select case when c.prefix is null then m.text else c.prefix || (c.base + n.number - 1) || c.suffix end as text) x
      group by n.i
    ), kinds as materialized (
      select k.known, jsonb_populate_record(null::beacon.trace_spans, ('{' || concat_ws(',', f.known, nullif(k.known, '')) || '}')::jsonb)
        as span
      from (select distinct a.known from assembled a) k cross join fixed f
    )
    select a.*, w.place, k.span, ('{' || concat_ws(',', f.attributes, nullif(a.attributes, '')) || '}')::jsonb as metadata
    from assembled a join wanted w on w.i = a.i join kinds k on k.known = a.known cross join fixed f
  loop
    span := each.span;
    us := base + starts[each.place] - 1 + each.start;
    span.trace_id := encode(substring(chunk.trace_ids from 16 * each.place - 15 for 16), 'hex')::uuid;
    span.span_id := substring(chunk.span_ids from 8 * each.i + 1 for 8);
    if each.parent > 1 then
      at := each.i - case when each.parent % 2 = 0 then (each.parent - 2) / 2 else (1 - each.parent) / 2 end;
      span.parent_span_id := substring(chunk.span_ids from 8 * at + 1 for 8);
    end if;
    span.started_at := 'epoch'::timestamptz + us * interval '1 microsecond';
    span.created_at := btrim(each.created, '"')::timestamptz;
    span.metadata := coalesce(span.metadata, each.metadata);
    if each.nanos is not null then
      span.duration_ms := each.nanos / 1e6::double precision;
      span.completed_at := 'epoch'::timestamptz + ((1000 * us + span.started_ns + each.nanos) / 1000) * interval '1 microsecond';
    end if;
    span.events := each.events::jsonb;
    if each.event_times is not null then
      span.events := (
        select jsonb_agg(e.value || jsonb_build_object('time', (1000 * us + span.started_ns + t.time::bigint)::text) order by e.ordinality)
        from jsonb_array_elements(span.events) with ordinality e
        join unnest(string_to_array(btrim(each.event_times, '"'), ',')) with ordinality t (time) on t.ordinality = e.ordinality);
    end if;
    return next span;
  end loop;
end
$$;

comment on function beacon.unpack_spans(integer, uuid[], jsonb) is
  'Spans of a chunk of the archive as they were in trace_spans: of these traces, or of all where they are null; at least '
  'those that fit all filters, as archived_rows says.';

create function beacon.trace_numbers(of_chunk integer, of_name text, traces integer) returns bigint[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  numbers beacon.archive_columns;
begin
  select * into numbers from beacon.archive_columns c where c.chunk_id = of_chunk and c.kind = 't' and c.name = of_name;
  -- Unpacked once, and not for every number.
  numbers.low := numbers.low || ''::bytea;
  numbers.high := numbers.high || ''::bytea;
  return array(
    select coalesce(beacon.number_at(numbers.low, numbers.high, numbers.width, numbers.entries, g), 0)
    from generate_series(0, traces - 1) g order by g);
end
$$;

comment on function beacon.trace_numbers(integer, text, integer) is
  'A number of each trace of a chunk of the archive, in the order of their ids.';

create function beacon.archived_rows(of_chunk integer, filters jsonb) returns integer[]
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
set enable_nestloop = off
set enable_mergejoin = off
as $$
begin
  return array(
    with asked as materialized (
      select o.ordinality as n, o.value ->> 'kind' as kind, o.value ->> 'name' as name, v.value, v.value::text as text
      from jsonb_array_elements(filters) with ordinality o
      cross join lateral jsonb_array_elements(o.value -> 'values') v
    ), columns as materialized (
      select c.kind, c.name, c.entries, c.width::integer as width, c.low || ''::bytea as low, c.high || ''::bytea as high, c.texts, c.base,
        c.prefix, c.suffix
      from beacon.archive_columns c
      where c.chunk_id = of_chunk and ((c.kind = 'a' and c.name = '*')
        or (c.kind, c.name) in (values ('c'::"char", 'events'), ('c', 'links'))
        or (c.kind::text, c.name) in (select a.kind, a.name from asked a))
    ), numbers as materialized (
      select a.n, c.kind, c.name, t.ordinality as number
      from asked a
      join columns c on c.kind::text = a.kind and c.name in (a.name, case when a.kind = 'a' then '*' end)
      cross join lateral unnest(string_to_array(c.texts, e'\n')) with ordinality t (text)
      where case when c.kind = 'a' and c.name = '*' then ('{' || t.text || '}')::jsonb -> a.name else t.text::jsonb end @> a.value
      union all
      select a.n, c.kind, c.name, x.digits::bigint - c.base + 1
      from asked a
      join columns c on c.kind::text = a.kind and c.name = a.name and c.prefix is not null
      cross join lateral (select substring(a.text from length(c.prefix) + 1 for length(a.text) - length(c.prefix) - length(c.suffix))
        as digits offset 0) x
      where a.text = c.prefix || x.digits || c.suffix and x.digits ~ '^(0|[1-9][0-9]{0,14})$'
      union all
      -- Attributes of events and links are looked at where the spans are.
      select a.n, c.kind, c.name, null from asked a join columns c on a.kind = 'a' and c.kind = 'c' and c.name in ('events', 'links')
    )
    select r.i
    from (
      select distinct n.n, g as i
      from (select distinct m.n, m.kind, m.name from numbers m) k
      join columns c on c.kind = k.kind and c.name = k.name
      cross join lateral generate_series(0, c.entries - 1) g
      cross join lateral (select beacon.number_at(c.low, c.high, c.width, c.entries, g) as number offset 0) x
      join numbers n on n.n = k.n and n.kind = k.kind and n.name = k.name and (n.number = x.number or (n.number is null and x.number > 0))
    ) r
    group by r.i
    having count(*) = jsonb_array_length(filters)
    order by r.i);
end
$$;

comment on function beacon.archived_rows(integer, jsonb) is
  'Rows of a chunk of the archive, counted from 0, that may fit all filters, of which each is {kind, name, values}: the value of a column '
  '(kind c) or of an attribute (a) is, or has as an element, one of the values. Rows with events or links may fit one on an attribute.';
