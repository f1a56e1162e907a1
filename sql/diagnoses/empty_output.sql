create function beacon.finding_empty_output(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.generation(spans, b.trace_id) g
  cross join lateral beacon.verdict('EMPTY_OUTPUT', b, 'strong',
    format('%s answered without an error and without a word.', coalesce(g.service, b.callee, b.service)),
    'Look at the prompt, the stop sequences and the token limit; ask the model the same question directly.',
    jsonb_strip_nulls(jsonb_build_object('output_tokens', g.output_tokens)), g.service, g.operation) v
  where b.code in ('empty_output', 'EmptyOutputError');
end
$$;

comment on function beacon.finding_empty_output(beacon.span_fact[], beacon.failure_origin[]) is
  'EMPTY_OUTPUT: the model answered with nothing. Decided by a code that says so; charged to the service that generated (the last span '
  'with gen_ai attributes), else to the callee.';
