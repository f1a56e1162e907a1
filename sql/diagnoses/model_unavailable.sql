create function beacon.finding_model_unavailable(spans beacon.span_fact[], blames beacon.blame[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(blames) b
  cross join lateral beacon.verdict('MODEL_UNAVAILABLE', b, 0.93,
    format('%s does not serve the model%s.', coalesce(b.callee, b.service), coalesce(' ' || b.model_id, '')),
    format('Ask %s for its list of models and correct the name%s, or deploy the model there.', coalesce(b.callee, b.service),
      coalesce(' ' || b.model_id, ''))) v
  where b.code in ('model_not_found', 'model_not_available', 'ModelNotFoundError', 'model_not_loaded')
    or (b.http_status = 404 and (b.message ~* '\mmodel\M' or b.metadata ->> 'url.full' ~ '/chat/completions|/completions|/embeddings'));
end
$$;

comment on function beacon.finding_model_unavailable(beacon.span_fact[], beacon.blame[]) is
  'MODEL_UNAVAILABLE: the provider does not have the model that was asked for. Decided by a model code, or HTTP 404 where the message names the model or the call went to a completion endpoint.';
