-- Executions whose key is no 64-bit integer: a UUID, a ULID, any text. The integer column stays what it was.

alter table beacon.trace_spans add column execution_key text;

comment on column beacon.trace_spans.execution_key is
  'Key of the execution where it is no 64-bit integer (a UUID, a ULID, any text); execution_id is null then. A UUID in lower case.';

comment on column beacon.trace_spans.execution_id is
  'Execution this span worked for, from span attributes or W3C baggage (beacon.execution_id), where its key is a 64-bit integer.';

-- select * from trace_spans where execution_key = 'a1b2…', and search by execution=a1b2…
create index trace_spans_execution_key on beacon.trace_spans (execution_key, started_at) where execution_key is not null;

alter table beacon.traces add column execution_key text;

comment on column beacon.traces.execution_key is
  'Its execution where the key is no integer, of several the first in the order of their bytes; trace_executions has them all.';

alter table beacon.trace_executions drop constraint trace_executions_key;

alter table beacon.trace_executions alter column execution_id drop not null;

alter table beacon.trace_executions add column execution_key text;

alter table beacon.trace_executions add constraint trace_executions_one_key check (num_nonnulls(execution_id, execution_key) = 1);

comment on column beacon.trace_executions.execution_key is 'Key of the execution where it is no 64-bit integer; execution_id is null then.';

create unique index trace_executions_by_id on beacon.trace_executions (execution_id, trace_id) where execution_id is not null;

-- Which traces an execution has: every question about an execution by its key asks that first.
create unique index trace_executions_by_key on beacon.trace_executions (execution_key, trace_id) where execution_key is not null;

alter table beacon.answers add column execution_key text;

comment on column beacon.answers.execution_key is 'Key of the execution where it is no 64-bit integer; execution_id is null then.';

alter table beacon.answers drop constraint answers_belong_to_something;

alter table beacon.answers add constraint answers_belong_to_something check (num_nonnulls(execution_id, execution_key, trace_id) > 0);

create unique index answers_execution_key on beacon.answers (execution_key, attempt) where execution_key is not null;

drop index beacon.answers_trace;

create unique index answers_trace on beacon.answers (trace_id) where execution_id is null and execution_key is null;
