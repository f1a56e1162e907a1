-- Tells Beacon which columns hold what the matrix of a job shows.

update beacon.trace_records
set question_column = 'question', output_column = 'output_data', error_column = 'error_type',
  duration_column = 'duration_ms', finished_column = 'completed_at'
where name = 'executions' and relation = 'runner.executions';
