alter table beacon.trace_records drop column tokens_out_column;

alter table beacon.trace_records drop column tokens_in_column;

alter table beacon.trace_records drop column finished_column;

alter table beacon.trace_records drop column duration_column;

alter table beacon.trace_records drop column error_column;

alter table beacon.trace_records drop column output_column;

alter table beacon.trace_records drop column question_column;
