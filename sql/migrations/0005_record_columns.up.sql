-- What a matrix of a job shows besides status, model and region.

alter table beacon.trace_records add column question_column text;

alter table beacon.trace_records add column output_column text;

alter table beacon.trace_records add column error_column text;

alter table beacon.trace_records add column duration_column text;

alter table beacon.trace_records add column finished_column text;

alter table beacon.trace_records add column tokens_in_column text;

alter table beacon.trace_records add column tokens_out_column text;

comment on column beacon.trace_records.question_column is 'Column with what was asked; null where there is none.';
comment on column beacon.trace_records.output_column is 'Column with the answer, text or jsonb: an empty one is told in the matrix.';
comment on column beacon.trace_records.error_column is 'Column with the code of the failure, for example rate_limit_exceeded.';
comment on column beacon.trace_records.duration_column is 'Column with how long it took, milliseconds; without it finished minus begun, or the trace, tells.';
comment on column beacon.trace_records.finished_column is 'Column with when it ended; null while it runs.';
comment on column beacon.trace_records.tokens_in_column is 'Column with tokens read; without it the spans'' gen_ai.usage.input_tokens tell.';
comment on column beacon.trace_records.tokens_out_column is 'Column with tokens written; without it the spans'' gen_ai.usage.output_tokens tell.';
