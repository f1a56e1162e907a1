-- How good an answer is, as judged by a rule, a person, a program, another model.

create table beacon.scores (
  execution_id  bigint,
  execution_key text,
  trace_id     uuid,
  job_id       text,
  name         text             not null,
  value        double precision,
  label        text,
  explanation  text,
  source       text             not null,
  judge_trace  uuid,
  scored_at    timestamptz      not null default now(),
  constraint scores_belong_to_something check (num_nonnulls(execution_id, execution_key, trace_id) = 1),
  constraint scores_value_is_a_number check (value = value and abs(value) < 'infinity'),
  constraint scores_say_something check (num_nonnulls(value, label) > 0)
);

comment on table beacon.scores is 'One row a score of an execution, by name and source; scoring again replaces it. Written by beacon.score, POST /api/v1/scores, gen_ai.evaluation.result over OTLP, and the scorers of expected_answers.';
comment on column beacon.scores.execution_id is 'Execution that is judged; null for a trace that belongs to none.';
comment on column beacon.scores.execution_key is 'Key of the execution where it is no 64-bit integer; execution_id is null then.';
comment on column beacon.scores.trace_id is 'Trace that is judged, where no execution is known.';
comment on column beacon.scores.job_id is 'Job of the execution, where it was known when it was scored.';
comment on column beacon.scores.name is 'What is judged: correct, relevance, ...';
comment on column beacon.scores.value is 'The score; 1 and 0 for yes and no, null where there is a label only.';
comment on column beacon.scores.label is 'The score in a word, as the judge gave it.';
comment on column beacon.scores.explanation is 'Why, as the judge says.';
comment on column beacon.scores.source is 'Who judged: rule:exact, otlp: and a service, a person or a program by its name.';
comment on column beacon.scores.judge_trace is 'Trace in which a model judged; it is an execution of its own.';
comment on column beacon.scores.scored_at is 'When.';

create unique index scores_of_execution on beacon.scores (execution_id, name, source) where execution_id is not null;

create unique index scores_of_key on beacon.scores (execution_key, name, source) where execution_key is not null;

create unique index scores_of_trace on beacon.scores (trace_id, name, source) where trace_id is not null;

create index scores_of_job on beacon.scores (job_id, name);

create table beacon.expected_answers (
  job_id      text not null,
  question_id text not null,
  scorer      text not null default 'exact',
  expected    text not null,
  field       text,
  name        text not null default 'correct',
  constraint expected_answers_key primary key (job_id, question_id, name),
  constraint expected_answers_scorer_is_known check (scorer in ('exact', 'contains', 'regex', 'json'))
);

comment on table beacon.expected_answers is 'What a question of a job should be answered with, and how that is decided. They come with the questions of a job.';
comment on column beacon.expected_answers.job_id is 'Job.';
comment on column beacon.expected_answers.question_id is 'Question, as in answers.';
comment on column beacon.expected_answers.scorer is 'exact (the normalised texts are equal), contains (the answer contains it), regex (the answer matches it) or json (a member of the answer''s JSON equals it).';
comment on column beacon.expected_answers.expected is 'The expected text or the regular expression.';
comment on column beacon.expected_answers.field is 'For json: the path of the member, names separated by dots.';
comment on column beacon.expected_answers.name is 'Name of the score.';

create table beacon.judgements (
  job_id      text not null,
  question_id text not null,
  execution   text not null,
  name        text not null,
  constraint judgements_key primary key (job_id, question_id)
);

comment on table beacon.judgements is 'Questions of a job that ask a model to judge the answer of an execution: its answer becomes a score of that. They come with the job.';
comment on column beacon.judgements.job_id is 'Job of the judge.';
comment on column beacon.judgements.question_id is 'Question that asks for the judgement.';
comment on column beacon.judgements.execution is 'Execution that is judged.';
comment on column beacon.judgements.name is 'Name of the score.';
