-- Everything the way up made, in reverse. What has a text for its key is then known by its traces only.
drop index beacon.answers_trace;

delete from beacon.answers where execution_key is not null;

create unique index answers_trace on beacon.answers (trace_id) where execution_id is null;

alter table beacon.answers drop constraint answers_belong_to_something;

alter table beacon.answers drop column execution_key;

alter table beacon.answers add constraint answers_belong_to_something check (execution_id is not null or trace_id is not null);

drop index beacon.trace_executions_by_key;

drop index beacon.trace_executions_by_id;

delete from beacon.trace_executions where execution_id is null;

alter table beacon.trace_executions drop column execution_key;

alter table beacon.trace_executions add constraint trace_executions_key primary key (execution_id, trace_id);

alter table beacon.traces drop column execution_key;

drop index beacon.trace_spans_execution_key;

alter table beacon.trace_spans drop column execution_key;

comment on column beacon.trace_spans.execution_id is
  'Execution this span worked for, from span attributes or W3C baggage (beacon.execution_id).';
