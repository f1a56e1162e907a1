-- What was asked of a model and what it answered, an attempt a row: written by the program that ran it, in the transaction that
-- ends the attempt, or read from the spans of its trace.

create table beacon.answers (
  execution_id       bigint,
  execution_key      text,
  trace_id           uuid,
  attempt            integer          not null default 1,
  job_id             text,
  model_id           text,
  region             text,
  question_id        text,
  question           text,
  status             text             not null,
  answer             text,
  answer_chars       integer,
  answer_group       bigint,
  language           text,
  rule               text,
  finish_reason      text,
  served_region      text,
  provider           text,
  response_model     text,
  system_fingerprint text,
  quantisation       text,
  simulated          boolean          not null default false,
  input_tokens       bigint,
  output_tokens      bigint,
  cached_tokens      bigint,
  reasoning_tokens   bigint,
  latency_ms         double precision,
  first_chunk_ms     double precision,
  chunks_per_s       double precision,
  error_type         text,
  error_message      text,
  verdict            text,
  validity           text,
  reason             text,
  cell_validity      text,
  attempts           integer,
  first_validity     text,
  first_group        bigint,
  source             text             not null default 'spans',
  started_at         timestamptz      not null,
  finished_at        timestamptz,
  constraint answers_status_is_known check (status in ('running', 'completed', 'failed', 'cancelled')),
  constraint answers_source_is_known check (source in ('runner', 'spans')),
  constraint answers_belong_to_something check (num_nonnulls(execution_id, execution_key, trace_id) > 0)
);

comment on table beacon.answers is
  'One row an attempt of an execution: what was asked, what came back, from where. A program writes it with record_answer; of executions whose program does not, it is read from GenAI spans when their trace has come to rest.';
comment on column beacon.answers.execution_id is 'Execution; null for a trace that belongs to a job and to no execution.';
comment on column beacon.answers.execution_key is 'Key of the execution where it is no 64-bit integer; execution_id is null then.';
comment on column beacon.answers.trace_id is 'Trace of the attempt; null where tracing was off.';
comment on column beacon.answers.attempt is '1 for the first.';
comment on column beacon.answers.job_id is 'Job of the execution.';
comment on column beacon.answers.model_id is 'Model that was asked for.';
comment on column beacon.answers.region is 'Region it was asked for in.';
comment on column beacon.answers.question_id is 'Id of the question: its own where it came with one, else question_id(question), equal in every job.';
comment on column beacon.answers.question is 'What was asked; null where content is not kept (BEACON_CONTENT=off, answer_retention_days).';
comment on column beacon.answers.status is 'running, completed, failed or cancelled.';
comment on column beacon.answers.answer is 'What the model answered, as it came; null where content is not kept.';
comment on column beacon.answers.answer_chars is 'Characters of the answer without surrounding blanks, also where its text is not kept; null where no text was recorded.';
comment on column beacon.answers.answer_group is 'Hash of normalised_answer(answer): answers with the same say the same.';
comment on column beacon.answers.language is 'Language of the answer (ISO 639-1), as far as its script and commonest words tell.';
comment on column beacon.answers.rule is 'Row of answer_rules that the answer matches; null for none.';
comment on column beacon.answers.finish_reason is 'Why the model stopped, in its provider''s word.';
comment on column beacon.answers.served_region is 'Region that answered, as the other side says; null where it does not.';
comment on column beacon.answers.provider is 'Provider that answered.';
comment on column beacon.answers.response_model is 'Model that answered, as the other side says.';
comment on column beacon.answers.system_fingerprint is 'Fingerprint of the configuration that answered.';
comment on column beacon.answers.quantisation is 'Quantisation of the weights, where the provider says.';
comment on column beacon.answers.simulated is 'Whether no real model ran.';
comment on column beacon.answers.input_tokens is 'Tokens read, cached ones included where the provider counts so.';
comment on column beacon.answers.output_tokens is 'Tokens written.';
comment on column beacon.answers.cached_tokens is 'Of the tokens read, those that came from a cache.';
comment on column beacon.answers.reasoning_tokens is 'Tokens written while reasoning.';
comment on column beacon.answers.latency_ms is 'Milliseconds the attempt took.';
comment on column beacon.answers.first_chunk_ms is 'Milliseconds until the first chunk of a streamed answer.';
comment on column beacon.answers.chunks_per_s is 'Chunks a second of a streamed answer, after the first.';
comment on column beacon.answers.error_type is 'Code of the failure, for example rate_limit_exceeded.';
comment on column beacon.answers.error_message is 'Message of the failure.';
comment on column beacon.answers.verdict is 'Type of the first root cause of a failed attempt; null until maintenance has diagnosed it.';
-- What an attempt is worth is stored with it: a job of 100,000 cells is read, not judged.
comment on column beacon.answers.validity is
  'What the attempt is worth (see cell_validity); null until settle_answers has judged it, and it is judged anew whenever it is read.';
comment on column beacon.answers.reason is 'Rule, finish reason, root cause or code that decided the validity.';
comment on column beacon.answers.cell_validity is
  'Of the attempt that counts for its execution, the first that is an answer, else the last: its validity, or flaky where the attempts disagree. Null of the others.';
comment on column beacon.answers.attempts is 'Of the attempt that counts: how many the execution has.';
comment on column beacon.answers.first_validity is 'Of the attempt that counts: what the first was worth.';
comment on column beacon.answers.first_group is 'Of the attempt that counts: answer_group of the first.';
comment on column beacon.answers.source is 'runner (the program wrote it) or spans.';
comment on column beacon.answers.started_at is 'Start of the attempt.';
comment on column beacon.answers.finished_at is 'End of the attempt; null while it runs.';

create unique index answers_execution on beacon.answers (execution_id, attempt) where execution_id is not null;

create unique index answers_execution_key on beacon.answers (execution_key, attempt) where execution_key is not null;

create unique index answers_trace on beacon.answers (trace_id) where execution_id is null and execution_key is null;

create index answers_of_trace on beacon.answers (trace_id) where trace_id is not null;

create index answers_job on beacon.answers (job_id) where job_id is not null;

create index answers_started_at on beacon.answers using brin (started_at);

create index answers_not_diagnosed on beacon.answers (job_id) where verdict is null and trace_id is not null and status = 'failed';

create index answers_not_settled on beacon.answers (job_id) where validity is null;

create table beacon.answer_rules (
  name     text not null,
  validity text not null,
  language text,
  pattern  text not null,
  note     text,
  constraint answer_rules_key primary key (name),
  constraint answer_rules_validity_is_known check (validity in ('refused', 'infrastructure'))
);

comment on table beacon.answer_rules is
  'What shows that the text of an answer is none: it refuses, or it is the body of an error. Add, change or delete rows; maintenance judges stored answers anew.';
comment on column beacon.answer_rules.validity is 'What an answer that matches counts as: refused or infrastructure.';
comment on column beacon.answer_rules.language is 'Language of the rule (ISO 639-1); null for any.';
comment on column beacon.answer_rules.pattern is 'Regular expression of PostgreSQL, case ignored, held against the first 300 characters of the answer, quotes made straight.';
comment on column beacon.answer_rules.note is 'What it is meant for.';

insert into beacon.answer_rules (name, validity, language, pattern, note) values
  ('error-body', 'infrastructure', null, '^\s*\{\s*"?(error|errors|fault|detail|message)"?\s*:.*"?(code|type|status|message|error)"?', 'the JSON of an error in the place of an answer'),
  ('error-status', 'infrastructure', null, '^\s*(http(/\d(\.\d)?)?\s*)?(error\s*(code)?:?\s*)?(408|429|500|502|503|504|529)\y.*(too many|rate|limit|time|unavailable|gateway|internal|overloaded|error|quota)', 'the status line of an error in the place of an answer'),
  ('rate-limit-text', 'infrastructure', null, '^\s*(error:?\s*)?((rate limit|request limit|quota) (reached|exceeded|has been)|too many requests|you (have )?exceeded your (current )?(quota|rate))', 'a rate limit in words'),
  ('error-page', 'infrastructure', null, '^\s*(<!doctype html|<html)[^§]*(gateway|unavailable|error|timed? ?out|too many requests|denied)', 'a gateway''s page in the place of an answer'),
  ('unavailable-text', 'infrastructure', null, '^\s*(error:?\s*)?(upstream (connect|request)|service (is )?(temporarily )?unavailable|bad gateway|gateway time-?out|internal server error|the (server|model) is (currently )?overloaded)', 'a gateway''s words in the place of an answer'),
  ('refusal-en', 'refused', 'en', '^\W*(i''?m |i am |we''?re )?(very |really |so |deeply |truly )?(sorry|afraid|apologi[sz]e)\y.*\y(can''?t|cannot|can not|not able|unable|won''?t|not allowed|not permitted|not comfortable)\M', '"I''m sorry, but I can''t help with that."'),
  ('refusal-en-cannot', 'refused', 'en', '^\W*(unfortunately,? |as an ai[^.]*,? |as a language model[^.]*,? )*(i|we) (can''?t|cannot|can not|won''?t|will not|am (unable|not able)|''?m (unable|not able)|must (decline|refuse)|have to (decline|refuse)|decline|refuse|do not feel comfortable|don''?t feel comfortable)( to)? (\w+ ){0,2}(assist|help|provide|answer|comply|fulfil|fulfill|discuss|share|give|create|write|generate|engage|support|do that|continue|offer|this|that|your|to)\M', '"I cannot assist with that request."'),
  ('refusal-en-policy', 'refused', 'en', '^.*\y(violat\w+|against|not (comply|align)\w* with)\y.*\y(policy|policies|guidelines|terms)\M', '"This request violates our policies."'),
  ('refusal-de', 'refused', 'de', '^\W*(es )?(tut mir leid|leider|entschuldig\S+|ich bedau\S+).*\y(kann|darf|möchte|werde)\y.*\y(nicht|kein\S*)\M|^\W*(das |dabei |hierbei |diese\S* (frage|anfrage) )?(ich )?(kann|darf|werde) (ich )?(dir |ihnen |dabei |das |hierbei |diese\S* )*(leider |\S+ ){0,2}(nicht|keine) (\S+ ){0,2}(helfen|beantworten|unterstützen|geben|erfüllen|weiterhelfen)', '"Das kann ich leider nicht beantworten."'),
  ('refusal-fr', 'refused', 'fr', '^\W*(je (suis |vous prie |m''excuse|regrette)|désolée?|malheureusement|toutes mes excuses).*\y(ne (peux|puis|suis)|pas (en mesure|possible|autoris))|^\W*je ne (peux|puis|suis) pas (\S+ ){0,3}(aider|répondre|fournir|assister|vous|en mesure|traiter)', '"Je suis désolé, je ne peux pas vous aider."'),
  ('refusal-es', 'refused', 'es', '^\W*(lo siento|lo lamento|lamentablemente|desafortunadamente|disculpa|perdón).*\yno (puedo|podemos|me es posible|estoy)|^\W*no puedo (\S+ ){0,3}(ayudar|responder|proporcionar|cumplir|asistir|ayudarte|con)', '"Lo siento, no puedo ayudar con eso."'),
  ('refusal-it', 'refused', 'it', '^\W*(mi dispiace|spiacente|purtroppo|sono spiacente|mi scuso).*\ynon (posso|possiamo|sono in grado|mi è possibile)|^\W*non posso (\S+ ){0,3}(aiutar|rispond|forni|assist|soddisfare)', '"Mi dispiace, non posso aiutarti."'),
  ('refusal-pt', 'refused', 'pt', '^\W*(desculpe?|sinto muito|lamento|infelizmente|peço desculpas?).*\ynão (posso|podemos|consigo|estou|sou capaz)|^\W*não (posso|consigo) (\S+ ){0,3}(ajudar|responder|fornecer|atender|auxiliar)', '"Desculpe, não posso ajudar com isso."'),
  ('refusal-nl', 'refused', 'nl', '^\W*(het spijt me|sorry|helaas|mijn excuses).*\y(kan|mag|wil) ik\y.*\y(niet|geen)\M|^\W*ik (kan|mag) (\S+ ){0,3}(niet|geen) (\S+ ){0,3}(helpen|beantwoorden|geven|voldoen)', '"Het spijt me, daar kan ik niet bij helpen."'),
  ('refusal-pl', 'refused', 'pl', '^\W*(przepraszam|przykro mi|niestety).*\ynie (mogę|jestem w stanie)|^\W*nie mogę (\S+ ){0,3}(pomóc|odpowiedzieć|udzielić|spełnić)', '"Przepraszam, nie mogę w tym pomóc."'),
  ('refusal-ru', 'refused', 'ru', '^\W*([Ии]звин\S+|[Кк] сожалению|[Пп]рошу прощения|[Пп]ростите).*не (могу|можем|в состоянии)|^\W*[Яя]? ?[Нн]е могу (\S+ ){0,3}(помо|ответить|предостав|выполнить)', '"Извините, я не могу с этим помочь."'),
  ('refusal-zh', 'refused', 'zh', '^\W*(很?抱歉|对不起|對不起|不好意思|非常抱歉|遗憾).*(不能|无法|無法|不可以|没办法)|^\W*(我|本人)?(不能|无法|無法)(为您|帮助|協助|协助|回答|提供|满足)', '"抱歉，我无法回答这个问题。"'),
  ('refusal-ja', 'refused', 'ja', '^\W*.*(申し訳|すみません|ごめんなさい|恐れ入りますが|残念ながら).*(できません|できかねます|お答えでき|お手伝いでき|いたしかねます)', '"申し訳ありませんが、お手伝いできません。"'),
  ('refusal-ko', 'refused', 'ko', '^\W*.*(죄송|미안|유감).*(수 없|할 수 없|어렵습니다|불가)', '"죄송하지만 도와드릴 수 없습니다."'),
  ('refusal-ar', 'refused', 'ar', '^\W*(عذرا|عذرًا|آسف|أعتذر|للأسف|نأسف).*(لا (أستطيع|يمكنني|يمكن)|لن أتمكن)|^\W*لا (أستطيع|يمكنني)', '"عذرًا، لا أستطيع المساعدة في ذلك."'),
  ('refusal-hi', 'refused', 'hi', '^\W*(क्षमा|माफ|मुझे खेद|खेद).*(नहीं (कर|दे) सकता|नहीं (कर|दे) सकती|असमर्थ|नहीं कर)', '"क्षमा करें, मैं इसमें मदद नहीं कर सकता।"'),
  ('refusal-tr', 'refused', 'tr', '^\W*([Üü]zgünüm|maalesef|[Öö]zür dilerim).*(yardımcı olamam|cevap veremem|yapamam|veremem|olamıyorum)', '"Üzgünüm, bu konuda yardımcı olamam."');
