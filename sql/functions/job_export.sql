create function beacon.job_export(of_job text) returns table (
  job_id text, execution_id text, attempt integer, attempts integer, model_id text, region text, served_region text, question_id text,
  question text, answer text, expected text, validity text, reason text, first_validity text, verdict text, status text,
  error_type text, error_message text, finish_reason text, provider text, response_model text, system_fingerprint text,
  quantisation text, simulated boolean, language text, input_tokens bigint, output_tokens bigint, cached_tokens bigint,
  reasoning_tokens bigint, latency_ms double precision, first_chunk_ms double precision, chunks_per_s double precision,
  cost double precision, currency text, scores jsonb, trace_id text, started_at timestamptz, finished_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  return query
  with c as materialized (
    select x.*, coalesce(x.execution_key, x.execution_id::text) as execution from beacon.execution_cells(of_job, true) x
  ), p as materialized (
    select x.trace_id, x.execution, x.attempt, x.currency, x.cost from beacon.priced_attempts(of_job) x where x.cost is not null
  ), s as materialized (
    select coalesce(x.execution_key, x.execution_id::text) as execution, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', x.name,
      'value', x.value, 'label', x.label, 'source', x.source, 'explanation', x.explanation)) order by x.name, x.source) as scores
    from beacon.scores x where x.job_id = of_job and x.trace_id is null group by 1
  )
  select c.job_id, c.execution, c.attempt, c.attempts, c.model_id, c.region, c.served_region, c.question_id, c.question, c.answer,
    e.expected, c.validity, c.reason, c.first_validity, c.verdict, c.status, c.error_type, c.error_message, c.finish_reason, c.provider,
    c.response_model, c.system_fingerprint, c.quantisation, c.simulated, c.language, c.input_tokens, c.output_tokens, c.cached_tokens,
    c.reasoning_tokens, c.latency_ms, c.first_chunk_ms, c.chunks_per_s, p.cost::double precision, p.currency, coalesce(s.scores, '[]'),
    encode(uuid_send(c.trace_id), 'hex'), c.started_at, c.finished_at
  from c
  left join p on p.execution = c.execution and p.attempt = c.attempt
  left join s on s.execution = c.execution
  left join (select x.question_id, min(x.expected) as expected from beacon.expected_answers x where x.job_id = of_job group by 1) e
    on e.question_id = c.question_id
  order by c.question_id, c.model_id, c.region, c.execution_id, c.execution_key;
end
$$;

comment on function beacon.job_export(text) is
  'A job as a table for a paper: one row a cell, with question, answer, validity and its reason, region asked for and region that served, '
  'what served it, tokens, times, cost (null where it is not known), scores, type of the verdict and trace.';
