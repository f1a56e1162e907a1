create function beacon.confidence(level text) returns double precision
language sql immutable parallel safe
as $$
  select case level
    when 'certain' then 0.98
    when 'strong' then 0.96
    when 'likely' then 0.92
    when 'possible' then 0.85
    when 'weak' then 0.3
  end::double precision
$$;

comment on function beacon.confidence(text) is
  'How often a finding of a level is right, as npm run bench:calibration measures it over recorded failures. certain: a code that '
  'names the cause was recorded. strong: what was said and the place in the trace agree. likely: the place in the trace or a '
  'comparison says so, without a code. possible: nothing says otherwise. weak: wrong more often than right, so it is never a cause. '
  'Null for any other word.';

create function beacon.replacements() returns table (general text, specific text)
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  -- One line a general type: the types that say more about the same failure, and so take its place.
  return query
  select r.general, unnest(r.specific) from (values
    ('PROVIDER_EXECUTION_FAILURE', array['AUTH_FAILURE', 'BAD_REQUEST', 'CANCELLED', 'CIRCUIT_OPEN', 'COLD_START', 'CONFIGURATION_ERROR',
      'CONNECTION_FAILURE', 'EMPTY_OUTPUT', 'MODEL_UNAVAILABLE', 'NETWORK_TIMEOUT', 'PROCESS_LOST', 'RATE_LIMITED',
      'REGION_OUTAGE', 'RESOURCE_EXHAUSTED', 'RETRY_STORM', 'SERVICE_TIMEOUT']),
    ('CONNECTION_FAILURE', array['MODEL_UNAVAILABLE', 'PROCESS_LOST', 'REGION_OUTAGE', 'RETRY_STORM']),
    ('SERVICE_TIMEOUT', array['COLD_START', 'MODEL_UNAVAILABLE', 'PROCESS_LOST', 'REGION_OUTAGE', 'RETRY_STORM']),
    ('NETWORK_TIMEOUT', array['COLD_START', 'MODEL_UNAVAILABLE', 'PROCESS_LOST', 'REGION_OUTAGE', 'RETRY_STORM']),
    ('RATE_LIMITED', array['RETRY_STORM']),
    ('RESOURCE_EXHAUSTED', array['RETRY_STORM']),
    ('BAD_REQUEST', array['AUTH_FAILURE', 'CONFIGURATION_ERROR', 'MODEL_UNAVAILABLE', 'RATE_LIMITED', 'RESOURCE_EXHAUSTED']),
    ('PERFORMANCE_DEGRADATION', array['COLD_START', 'N_PLUS_ONE', 'PROCESS_LOST', 'QUEUE_DELAY'])
  ) r (general, specific);
end
$$;

comment on function beacon.replacements() is
  'Which type of finding takes the place of which more general one, where both are about the same failure (or both about the '
  'time of one trace): the general one is left out, and the evidence of the specific one names it.';

create function beacon.verdict(type text, b beacon.failure_origin, level text, summary text, recommendation text,
  evidence jsonb default '{}', charged_to text default null, charged_operation text default null) returns beacon.finding
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.finding;
begin
  f.type := type;
  -- What did not bring the execution down is a remark.
  f.role := case when b.explains_root then 'cause' else 'remark' end;
  f.service := coalesce(charged_to, b.callee, b.service);
  f.operation := coalesce(charged_operation, b.callee_operation, b.operation);
  f.confidence := beacon.confidence(level);
  f.summary := summary;
  f.recommendation := recommendation;
  f.evidence := jsonb_strip_nulls(jsonb_build_object('code', b.code, 'http_status', b.http_status, 'message', b.message,
    'path', b.path, 'duration_ms', round(b.duration_ms::numeric, 1), 'region', b.region, 'model', b.model_id)) || evidence;
  f.trace_id := b.trace_id;
  f.span_ids := b.span_ids;
  f.origin := b.position;
  return f;
end
$$;

comment on function beacon.verdict(text, beacon.failure_origin, text, text, text, jsonb, text, text) is
  'A finding about a failure, charged to the callee where it was a call (or to whom the diagnosis names), with the evidence '
  'every finding carries: a cause where the failure brought the root down, else a remark. Level is a word of confidence().';

create function beacon.observation(type text, role text, level text, f beacon.span_fact, summary text, recommendation text,
  evidence jsonb, span_ids bytea[] default null, origin integer default null) returns beacon.finding
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return (type, role, f.service, f.operation, beacon.confidence(level), summary, evidence, recommendation, f.trace_id,
    coalesce(span_ids, array[f.span_id]), origin)::beacon.finding;
end
$$;

comment on function beacon.observation(text, text, text, beacon.span_fact, text, text, jsonb, bytea[], integer) is
  'A finding about a span that need not have failed, charged to its service; origin where it explains a failure.';

create function beacon.demoted(f beacon.finding, is_remark boolean) returns beacon.finding
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  if is_remark then
    f.role := 'remark';
  end if;
  return f;
end
$$;

comment on function beacon.demoted(beacon.finding, boolean) is 'The same finding, as a remark where is_remark.';
