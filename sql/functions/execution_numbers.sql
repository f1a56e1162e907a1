create function beacon.diagnose_execution_trace(of_execution bigint) returns table (
  trace_id uuid, "position" integer, depth integer, service text, operation text, status text,
  offset_ms double precision, duration_ms double precision, self_ms double precision, share_pct double precision,
  on_critical_path boolean, baseline_p50_ms double precision, baseline_p95_ms double precision, baseline_calls bigint,
  anomaly text, error_type text, error_message text, span_id bytea, parent_span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.diagnose_execution_trace(of_execution::text);
end
$$;

comment on function beacon.diagnose_execution_trace(bigint) is 'The same for an execution whose key is an integer.';

create function beacon.identify_root_cause(of_execution bigint) returns table (
  rank integer, type text, role text, service text, operation text, confidence double precision, summary text, evidence jsonb,
  recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.identify_root_cause(of_execution::text);
end
$$;

comment on function beacon.identify_root_cause(bigint) is 'The same for an execution whose key is an integer.';

create function beacon.find_timeout_root_cause(of_execution bigint, max_results integer default 20) returns table (
  rank integer, decided_outcome boolean, waiting_service text, waiting_operation text, gave_up_after_ms double precision,
  waited_for text, callee_state text, callee_ended_after_ms double precision, slowest_service text, slowest_operation text,
    slowest_ms double precision,
  usual_p50_ms double precision, usual_p95_ms double precision, usual_calls bigint, type text, role text, confidence double precision,
  summary text, recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.find_timeout_root_cause(of_execution::text, max_results);
end
$$;

comment on function beacon.find_timeout_root_cause(bigint, integer) is 'The same for an execution whose key is an integer.';

create function beacon.find_similar_traces(of_execution bigint, max_results integer default 10) returns table (
  execution_id bigint, trace_id uuid, similarity double precision, outcome text, started_at timestamptz,
  duration_ms double precision, fingerprint text, difference text, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.find_similar_traces(of_execution::text, max_results);
end
$$;

comment on function beacon.find_similar_traces(bigint, integer) is 'The same for an execution whose key is an integer.';

create function beacon.compare_with_successful(of_execution bigint) returns table (
  change text, depth integer, service text, operation text, successful_status text, status text, successful_ms double precision,
  ms double precision, delta_ms double precision, successful_self_ms double precision, self_ms double precision,
  trace_id uuid, successful_execution_id bigint, successful_trace_id uuid, chosen_because text,
  successful_execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.compare_with_successful(of_execution::text);
end
$$;

comment on function beacon.compare_with_successful(bigint) is 'The same for an execution whose key is an integer.';

create function beacon.blast_radius(of_execution bigint, max_results integer default 100) returns table (
  execution_id bigint, trace_id uuid, job_id text, model_id text, region text, started_at timestamptz, outcome text,
  service text, operation text, error_type text, affected bigint, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.blast_radius(of_execution::text, max_results);
end
$$;

comment on function beacon.blast_radius(bigint, integer) is 'The same for an execution whose key is an integer.';

create function beacon.waterfall(of_trace uuid, of_execution bigint) returns table (
  trace_id uuid, "position" integer, depth integer, waterfall text, service text, operation text, kind text, status text,
  started_at timestamptz, offset_ms double precision, duration_ms double precision, self_ms double precision, bar text,
  error_type text, error_message text, span_id bytea, parent_span_id bytea, note text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select * from beacon.waterfall(of_trace, of_execution::text);
end
$$;

comment on function beacon.waterfall(uuid, bigint) is 'The same for an execution whose key is an integer.';
