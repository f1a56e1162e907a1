create function beacon.waterfall(of_trace uuid, of_execution text default null) returns table (
  trace_id uuid, "position" integer, depth integer, waterfall text, service text, operation text, kind text, status text,
  started_at timestamptz, offset_ms double precision, duration_ms double precision, self_ms double precision, bar text,
  error_type text, error_message text, span_id bytea, parent_span_id bytea, note text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  bar_width constant integer := 40;
begin
  return query
  with tree as (
    select * from beacon.trace_tree(of_trace) t
    where of_execution is null or t.execution is null or t.execution = beacon.execution_text(of_execution)
  ), whole as (
    select greatest(max(t.offset_ms + t.duration_ms), 0.001) as ms from tree t
  )
  select t.trace_id, t.position, t.depth, repeat('  ', t.depth) || t.service || ' ' || t.operation,
    t.service, t.operation, t.kind, t.status, t.started_at,
    round(t.offset_ms::numeric, 3)::double precision, round(t.duration_ms::numeric, 3)::double precision,
    round(t.self_ms::numeric, 3)::double precision,
    beacon.bar(t.offset_ms / w.ms, t.duration_ms / w.ms, t.status, bar_width),
    t.error_type, t.error_message, t.span_id, t.parent_span_id, beacon.span_note(t.is_orphan, t.skew_ms, t.status, t.duration_ms,
      t.metadata)
  from tree t, whole w
  order by t.position;
end
$$;

comment on function beacon.waterfall(uuid, text) is
  'Rows of trace_waterfall for one trace, or for the part of it that belongs to one execution. Times are milliseconds.';

create function beacon.bar(from_share double precision, share double precision, status text, width integer) returns text
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
declare
  start integer := least(width - 1, greatest(0, floor(from_share * width)::integer));
  len integer := greatest(1, least(width - start, round(share * width)::integer));
  mark text := case status when 'failed' then 'x' when 'timeout' then '!' when 'lost' then '?' when 'started' then '>' else '=' end;
begin
  return rpad(repeat(' ', start) || repeat('=', len - 1) || mark, width);
end
$$;

comment on function beacon.bar(double precision, double precision, text, integer) is
  'A span as text on a line of the given width; its last character tells how it ended: = completed, x failed, ! timeout, ? lost, > still '
  'open.';

create function beacon.generation_note(metadata jsonb) returns text
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return case when metadata ?| array['gen_ai.request.model', 'gen_ai.response.model', 'gen_ai.operation.name',
      'llm.model_name', 'ai.model.id', 'ai.response.model',
      'llm.request.type', 'langfuse.observation.model.name', 'gen_ai.usage.output_tokens'] then
    nullif(concat_ws(', ',
      beacon.model_asked(metadata) || case when beacon.model_answering(metadata) <> beacon.model_asked(metadata)
        then ' answered as ' || beacon.model_answering(metadata) else '' end,
      beacon.input_tokens(metadata) || ' tokens in', beacon.output_tokens(metadata) || ' out'), '') end;
end
$$;

comment on function beacon.generation_note(jsonb) is
  'Which model a span asked for and which answered, with the tokens of both ways; null for what asked none.';

create function beacon.span_note(is_orphan boolean, skew_ms double precision, status text, duration_ms double precision,
  metadata jsonb default null) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return nullif(concat_ws('; ',
    beacon.generation_note(metadata),
    case when is_orphan then 'orphan: its parent was never received' end,
    case when skew_ms <> 0 then format('clock corrected by %s ms', round(skew_ms::numeric, 1)) end,
    case status
      when 'lost' then 'lost: its process ended before it did'
      when 'started' then 'still open after ' || beacon.duration_text(duration_ms)
    end), '');
end
$$;

comment on function beacon.span_note(boolean, double precision, text, double precision, jsonb)
  is 'What a reader should know about a span beside its bar, in words: model and tokens (where its attributes are given), and what makes '
  'the bar doubtful; null when there is nothing.';

create function beacon.duration_text(ms double precision) returns text
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return case
    when ms < 10000 then round(ms::numeric) || ' ms'
    when ms < 600000 then round(ms::numeric / 1000) || ' s'
    when ms < 36000000 then round(ms::numeric / 60000) || ' min'
    else round(ms::numeric / 3600000) || ' h'
  end;
end
$$;

comment on function beacon.duration_text(double precision) is 'Milliseconds in the unit a person would use: ms below 10 s, then s, min, h.';
