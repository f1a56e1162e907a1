create function beacon.finding_empty_output(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.generation(spans, b.trace_id) g
  cross join lateral beacon.verdict('EMPTY_OUTPUT', b, 'strong',
    format('%s answered without an error and without a word: its output is empty.', coalesce(g.service, b.callee, b.service)),
    'Look at the prompt, the stop sequences and the token limit; ask the model the same question directly.',
    jsonb_strip_nulls(jsonb_build_object('output_tokens', g.output_tokens)), g.service, g.operation) v
  where b.meaning = 'empty_output';
  -- Nothing says that it failed, and yet there is no answer: the last one that a model gave in its trace.
  return query
  select r.* from (
    select distinct on (f.trace_id) f, beacon.finish_reasons(f.metadata) as finish, beacon.output_tokens(f.metadata) as tokens
    from unnest(spans) f
    where f.metadata ?| array['gen_ai.request.model', 'gen_ai.system', 'gen_ai.provider.name', 'gen_ai.operation.name', 'llm.model_name',
        'gen_ai.usage.output_tokens', 'ai.model.id', 'llm.request.type', 'openinference.span.kind']
      and coalesce(f.metadata ->> 'gen_ai.operation.name', 'chat') in ('chat', 'text_completion', 'generate_content', 'completion',
        'message')
      and coalesce(f.metadata ->> 'openinference.span.kind', 'LLM') = 'LLM'
      and (beacon.output_tokens(f.metadata) is not null or beacon.finish_reasons(f.metadata) is not null or f.metadata ? 'output.value')
      and not beacon.has_failed(f.status)
    order by f.trace_id, f.offset_ms desc, f.position desc) q
  cross join lateral (select q.finish ~ 'content.?filter|safety|refusal|recitation|prohibited|blocklist|spii|guardrail|toxic|flagged|'
      'blocked' as filtered,
    coalesce(q.tokens = 0, false) or (q.f).metadata ->> 'output.value' = '' as empty) s
  cross join lateral beacon.observation('EMPTY_OUTPUT',
    case when s.empty or s.filtered then 'cause' else 'remark' end, 'likely', q.f,
    case
      when s.filtered then format('The model%s answered %s, and a filter withheld or cut the answer (finish reason %s, %s output tokens).',
        coalesce(' ' || (q.f).model_id, ''), 'without an error', btrim(q.finish, '[]" '), coalesce(q.tokens::text, 'unknown'))
      when s.empty then format('The model%s answered without an error and with nothing: 0 output tokens, an empty answer%s.',
        coalesce(' ' || (q.f).model_id, ''), coalesce(' (finish reason ' || btrim(q.finish, '[]" ') || ')', ''))
      else format('The answer of the model%s was cut at %s output tokens (finish reason %s).', coalesce(' ' || (q.f).model_id, ''),
        coalesce(q.tokens::text, 'its limit of'), btrim(q.finish, '[]" ')) end,
    case
      when s.filtered then 'Look at the prompt for what the filter objects to; treat a filtered answer as a failure where it is read.'
      when s.empty then 'Look at the prompt, the stop sequences and the token limit; treat an empty answer as a failure where it is read.'
      else 'Raise the limit of output tokens, or ask for a shorter answer.' end,
    jsonb_strip_nulls(jsonb_build_object('output_tokens', q.tokens, 'finish_reason', q.finish))) r
  where (s.empty or s.filtered or q.finish ~ 'length|max_(output_)?tokens')
    and not exists (select from unnest(origins) b where b.trace_id = (q.f).trace_id and b.explains_root);
end
$$;

comment on function beacon.finding_empty_output(beacon.span_fact[], beacon.failure_origin[]) is
  'EMPTY_OUTPUT: the model answered with nothing, or a filter withheld the answer, whether or not anything counts as failed. Decided by a '
  'code that says so (charged to the service that generated, else to the callee), or by the last answer of a model in the trace: no output '
  'tokens, or a finish reason of a content filter. An answer that was cut at its token limit is a remark. Blind spot: an answer of blanks '
  'whose tokens are counted.';
