create function beacon.finding_model_unavailable(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('MODEL_UNAVAILABLE', b, 'strong',
    format('%s does not serve the model%s%s: %s.', coalesce(b.callee, b.service), coalesce(' ' || b.model_id, ''), beacon.answered_with(b),
      beacon.said(b)),
    format('Ask %s for its list of models and correct the name%s, or deploy the model there.', coalesce(b.callee, b.service),
      coalesce(' ' || b.model_id, ''))) v
  where b.meaning = 'model_unavailable'
    or (b.meaning = 'not_found' and (b.message ~* '\mmodel\M'
      or coalesce(b.metadata ->> 'url.full', b.metadata ->> 'http.url') ~
        '/(chat/)?completions|/embeddings|/v1/messages|/responses|:generateContent'
      or b.metadata ?| array['gen_ai.request.model', 'gen_ai.system', 'llm.model_name'] and b.http_status = 404));
  -- The model that fails everywhere, while others work: it says so by the pattern, whatever the code.
  return query
  select w.* from (select b from unnest(origins) b where b.explains_root order by b.offset_ms desc limit 1) k (b)
  cross join lateral beacon.outage_of(spans, 'model') o
  cross join lateral beacon.verdict('MODEL_UNAVAILABLE', k.b, o.level,
    format('Model %s does not work: %s of %s of its executions of that hour failed, %s of %s with other models; here %s.', o.value,
      o.failed, o.of_all,
      o.elsewhere_failed, o.elsewhere, coalesce((k.b).code, (k.b).message, 'without a code')),
    format('Take %s out of the job until its provider serves it again; all %s failures with it are one cause.', o.value, o.failed),
    jsonb_build_object('model', o.value, 'failed_with_it', format('%s of %s', o.failed, o.of_all), 'failed_with_others',
      format('%s of %s', o.elsewhere_failed, o.elsewhere))) v
  cross join lateral beacon.demoted(v, o.level <> 'certain') w
  where coalesce((k.b).meaning, '') not in ('config_missing', 'empty_output', 'out_of_memory', 'rate_limit', 'quota', 'unauthorized',
    'forbidden', 'bad_input', 'too_long', 'content_filter', 'conflict', 'cancelled');
end
$$;

comment on function beacon.finding_model_unavailable(beacon.span_fact[], beacon.failure_origin[]) is
  'MODEL_UNAVAILABLE: the provider does not have the model that was asked for. Decided by a model code, or HTTP 404 where the message '
  'names the model or the call went to a completion endpoint; or across the executions of that hour: nine in ten with this model failed, '
  'at least five, and at most one in ten with others, of at least five (from three of three on a remark). Blind spot: a provider that '
  'serves only one model cannot be told from that model.';
