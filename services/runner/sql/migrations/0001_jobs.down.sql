delete from beacon.trace_records where name = 'executions';

drop table runner.executions;

drop table runner.jobs;

drop schema runner;
