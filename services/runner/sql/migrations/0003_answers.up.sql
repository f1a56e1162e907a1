-- What an attempt was served with is kept an attempt, so that trying again takes nothing away.

alter table runner.executions add column question_id text;

comment on column runner.executions.question_id is 'Id the question came with; null where it has none, and its text stands for it.';

create table runner.receipts (
  execution_id bigint      not null,
  attempt      integer     not null,
  receipt_data jsonb       not null,
  created_at   timestamptz not null default now(),
  constraint receipts_key primary key (execution_id, attempt),
  constraint receipts_execution foreign key (execution_id) references runner.executions (id) on delete cascade
);

comment on table runner.receipts is 'The signed receipt of every attempt that was answered; that of an earlier one stays when the execution runs again.';
comment on column runner.receipts.execution_id is 'Execution.';
comment on column runner.receipts.attempt is 'Attempt, 1 for the first.';
comment on column runner.receipts.receipt_data is 'The receipt.';
comment on column runner.receipts.created_at is 'When it was issued, by the clock of the database.';
