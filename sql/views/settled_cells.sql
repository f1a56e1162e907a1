create view beacon.settled_cells as
select a.job_id, coalesce(a.execution_key, a.execution_id::text) as execution, a.execution_id, a.execution_key, a.trace_id, a.attempt,
  a.attempts, a.model_id, a.region, a.served_region, a.question_id, a.question, a.cell_validity as validity, a.first_validity, a.reason,
  a.answer, a.answer_chars, a.answer_group, a.first_group, a.language, a.status, a.finish_reason, a.provider, a.response_model,
  a.system_fingerprint, a.quantisation, a.simulated, a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, a.latency_ms,
  a.first_chunk_ms, a.chunks_per_s, a.error_type, a.error_message, a.verdict, a.source, a.started_at, a.finished_at
from beacon.answers a
where a.cell_validity is not null and a.validity is not null;

comment on view beacon.settled_cells is
  'Cells of jobs as they are stored: of each execution the attempt that counts. What is not settled yet is in execution_cells only.';
