update beacon.trace_records
set question_column = null, output_column = null, error_column = null, duration_column = null, finished_column = null
where name = 'executions' and relation = 'runner.executions';
