-- What an attempt is worth, and what its execution comes to, is stored with it: a job of 100,000 cells is read, not judged.

alter table beacon.answers add column validity text;

comment on column beacon.answers.validity is
  'What the attempt is worth (see cell_validity); null until settle_answers has judged it, and it is judged anew whenever it is read.';

alter table beacon.answers add column reason text;

comment on column beacon.answers.reason is 'Rule, finish reason, root cause or code that decided the validity.';

alter table beacon.answers add column cell_validity text;

comment on column beacon.answers.cell_validity is
  'Of the attempt that counts for its execution, the first that is an answer, else the last: its validity, or flaky where the attempts disagree. Null of the others.';

alter table beacon.answers add column attempts integer;

comment on column beacon.answers.attempts is 'Of the attempt that counts: how many the execution has.';

alter table beacon.answers add column first_validity text;

comment on column beacon.answers.first_validity is 'Of the attempt that counts: what the first was worth.';

alter table beacon.answers add column first_group bigint;

comment on column beacon.answers.first_group is 'Of the attempt that counts: answer_group of the first.';

create index answers_not_settled on beacon.answers (job_id) where validity is null;
