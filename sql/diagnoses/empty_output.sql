create function beacon.finding_empty_output(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.generation(spans, b.trace_id) g
  cross join lateral beacon.verdict('EMPTY_OUTPUT', b, 'strong',
    format('%s answered without an error and without a word: its output is empty (%s).', coalesce(g.service, b.callee, b.service),
      beacon.said(b)),
    'Look at the prompt, the stop sequences and the token limit; ask the model the same question directly.',
    jsonb_strip_nulls(jsonb_build_object('output_tokens', g.output_tokens)), g.service, g.operation) v
  where b.meaning = 'empty_output';
  -- Nothing says that it failed, and yet there is no answer: the last one that a model gave in its trace.
  return query
  with answers as materialized (
    select f, beacon.finish_reasons(f.metadata) as finish, beacon.output_tokens(f.metadata) as tokens,
      f.offset_ms + f.duration_ms as ended_ms, max(f.offset_ms + f.duration_ms) over (partition by f.trace_id) as last_ms
    from unnest(spans) f
    where f.metadata ?| array['gen_ai.request.model', 'gen_ai.system', 'gen_ai.provider.name', 'gen_ai.operation.name', 'llm.model_name',
        'gen_ai.usage.output_tokens', 'ai.model.id', 'llm.request.type', 'openinference.span.kind']
      and coalesce(f.metadata ->> 'gen_ai.operation.name', 'chat') in ('chat', 'text_completion', 'generate_content', 'completion',
        'message')
      and coalesce(f.metadata ->> 'openinference.span.kind', 'LLM') = 'LLM' and not beacon.has_failed(f.status)
  )
  select r.* from (
    -- Libraries and SDKs each record the same call: what ended with the last answer belongs to it.
    select distinct on ((a.f).trace_id) a.f, a.finish, a.tokens, s.filtered, s.empty, a.ended_ms
    from answers a
    cross join lateral (select coalesce(a.finish ~ 'content.?filter|safety|refusal|recitation|prohibited|blocklist|spii|guardrail|toxic|'
        'flagged|blocked', false) as filtered,
      coalesce(a.tokens = 0, false) or coalesce((a.f).metadata ->> 'output.value' = '', false)
        or coalesce((a.f).metadata ->> 'ai.response.text' = '' and not (a.f).metadata ? 'ai.response.toolCalls', false)
        or concat_ws(' ', (a.f).metadata ->> 'output.value', (a.f).metadata ->> 'gen_ai.output.messages') ~
          '"(content|parts)": ?(\[\]|""|null)'
          and concat_ws(' ', (a.f).metadata ->> 'output.value', (a.f).metadata ->> 'gen_ai.output.messages') !~
            '(tool_?[cC]alls?|function_?[cC]alls?)"?: ?(\[ ?)?["{]|tool_use|tool_call"'
        as empty) s
    where a.ended_ms >= a.last_ms - 100 and (s.empty or s.filtered or a.finish ~ 'length|max_(output_)?tokens')
    order by (a.f).trace_id, s.filtered desc, s.empty desc, a.ended_ms desc, (a.f).position) q
  cross join lateral (select q.filtered, q.empty) s
  -- Who asked, and could make nothing of the answer.
  left join unnest(origins) b on b.trace_id = (q.f).trace_id and b.explains_root and b.service = (q.f).service
    and b.position < (q.f).position and b.kind not in ('client', 'producer') and b.http_status is null
    and coalesce(b.meaning, 'bug') in ('bug', 'malformed_response', 'server_error', 'bad_input')
    and b.offset_ms + b.duration_ms - q.ended_ms between -1 and 50
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
    jsonb_strip_nulls(jsonb_build_object('output_tokens', q.tokens, 'finish_reason', q.finish)), origin => b.position) r
  where b.position is not null and (s.empty or s.filtered)
    or not exists (select from unnest(origins) o where o.trace_id = (q.f).trace_id and o.explains_root);
end
$$;

comment on function beacon.finding_empty_output(beacon.span_fact[], beacon.failure_origin[]) is
  'EMPTY_OUTPUT: the model answered with nothing, or a filter withheld the answer, whether or not anything counts as failed. Decided by a '
  'code that says so (charged to the service that generated, else to the callee), or by the last answer of a model in the trace: no output '
  'tokens, or a finish reason of a content filter, also where the one who asked then failed over it. An '
  'answer that was cut at its token limit is a remark. Blind spot: an answer of blanks '
  'whose tokens are counted.';
