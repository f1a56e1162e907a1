// What the models of a job answered: side by side, by validity, and an execution's attempts.
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, jobId } from './params.ts';
import { defineQuery } from './query.ts';
import { UNREADABLE_FOR_JOBS } from './records.ts';

/** Off: what people asked and models answered is shown nowhere, also where a business table has it. */
export const showsContent = () => !/^(?:off|false|0|no)$/i.test(process.env.BEACON_CONTENT ?? '');
const NOT_SHOWN = 'BEACON_CONTENT is off: questions and answers are compared by their hashes and not shown.';

const byJob = [{ name: 'job', params: (text: string) => ({ job_id: text }) }];
const noJob = ({ job_id }: { job_id: string }) => ({
  what: `There is no job ${job_id}, or none of its executions fits.`,
  hint: '`beacon jobs` lists those of the last seven days; `--from 30d` goes further back.',
});
const remark = (): string | null => (showsContent() ? null : NOT_SHOWN);

const VALIDITIES = [
  'answered',
  'refused',
  'truncated',
  'empty',
  'infrastructure',
  'cancelled',
  'pending',
  'flaky',
] as const;

const cell = z.object({
  region: z.string().nullable(),
  execution_id: z.string().nullable(),
  trace_id: z.string().nullable(),
  attempts: z.int(),
  first_validity: z.string().describe('What the first try was worth.'),
  answer: z.string().nullable(),
});

const group = z.object({
  answer: z.string().nullable().describe('As one of them wrote it, at most 4,000 characters.'),
  chars: z.int().nullable(),
  n: z.int(),
  language: z.string().nullable(),
  cells: z.array(cell.extend({ served_region: z.string().nullable(), latency_ms: z.number().nullable() })),
});

const other = cell.extend({
  validity: z.enum(VALIDITIES),
  reason: z.string().nullable().describe('Rule, finish reason, root cause or code that decided it.'),
  language: z.string().nullable(),
});

export const answers = defineQuery({
  name: 'answers',
  doc: 'What a job was answered: for each question and model the answers of all regions, grouped by what they say.',
  params: {
    job_id: jobId,
    sort: z
      .enum(['disagreement', 'question'])
      .default('disagreement')
      .describe('disagreement (the least agreement first) or question.'),
    only: z
      .enum(['all', 'differing', 'refused', 'failed'])
      .default('all')
      .describe('all, differing, refused, or failed (a cell without an answer).'),
    question_id: z.string().min(1).optional().describe('Only this question.'),
  },
  arguments: byJob,
  row: z.object({
    question_id: c.textOrNull('Id of the question.'),
    question: c.textOrNull('What was asked.'),
    model_id: c.modelIdColumn,
    cells: c.count('Cells: regions it was asked in.'),
    answered: c.count('Those with an answer; comparisons take these only.'),
    kinds: c.count('Different answers among them.'),
    agreement: c.numberOrNull('Share of the commonest answer, 0 to 1; null for fewer than two answers.'),
    differs: c.flag('Whether regions differ: in what they answer, or in whether they refuse.'),
    refused: c.count('Cells whose model refused.'),
    failed: c.count('Cells that are truncated, empty, flaky or a failure of the infrastructure.'),
    languages: c.texts('Languages of the answers, as far as they are recognised.'),
    groups: z.array(group).describe('Answers that say the same, the largest group first, each with its cells.'),
    others: z.array(other).describe('Cells without an answer, and why.'),
  }),
  limit: { default: 50, max: 500 },
  missing: noJob,
  remark,
  without: UNREADABLE_FOR_JOBS,
  sql: (p, scope) => ({
    text: showsContent()
      ? 'select * from beacon.job_answers($1::text, $2::text, $3::text, $4::text, $5::integer)'
      : `select a.question_id, null::text as question, a.model_id, a.cells, a.answered, a.kinds, a.agreement, a.refused, a.failed,
          a.languages, (select coalesce(jsonb_agg(g.value || '{"answer": null}' || jsonb_build_object('cells',
            (select jsonb_agg(k.value || '{"answer": null}') from jsonb_array_elements(g.value -> 'cells') k))), '[]')
            from jsonb_array_elements(a.groups) g) as groups,
          (select coalesce(jsonb_agg(o.value || '{"answer": null}'), '[]') from jsonb_array_elements(a.others) o) as others, a.differs
        from beacon.job_answers($1::text, $2::text, $3::text, $4::text, $5::integer) a`,
    values: [p.job_id, p.sort, p.only, p.question_id, scope.limit + 1],
  }),
});

export const jobValidity = defineQuery({
  name: 'job-validity',
  doc: 'A job, a row for each model and region: cells by validity, agreement, and where and by what they were served.',
  params: { job_id: jobId },
  arguments: byJob,
  row: z.object({
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    cells: c.count('Cells.'),
    answered: c.count('Those with an answer: the n of every mean and comparison.'),
    first_answered: c.count('Those that had one at the first try.'),
    refused: c.count('The model refused.'),
    truncated: c.count('The answer was cut at a limit.'),
    empty: c.count('The answer was empty.'),
    infrastructure: c.count('No answer of a model: time-outs, refused requests, errors in the place of an answer.'),
    why: c.textOrNull('The commonest reason of the infrastructure ones.'),
    flaky: c.count('Attempts gave different answers.'),
    cancelled: c.count('Cancelled.'),
    pending: c.count('Not over yet.'),
    compared: c.count('Answered cells that another region or execution answered too.'),
    agreed: c.count('Of these, those that say what most say.'),
    p50_ms: c.numberOrNull('Half of the answered ones took no longer, milliseconds.'),
    first_chunk_p50_ms: c.numberOrNull('Half of them began to answer within this, milliseconds.'),
    tokens_in: c.numberOrNull('Tokens read.'),
    tokens_out: c.numberOrNull('Tokens written.'),
    served_elsewhere: c.count('Cells that another region answered than was asked.'),
    served_unknown: c.count('Cells of which it is not known where they ran.'),
    served_regions: c.texts('Regions that answered, as the other side says.'),
    drifted: c.count('Cells that another model answered than was asked.'),
    response_models: c.texts('Models that answered, as the other side says.'),
    fingerprints: c.texts('Fingerprints of the configurations that answered: several mean that it changed meanwhile.'),
    simulated: c.count('Cells in which no real model ran.'),
  }),
  limit: { default: 200, max: 5000 },
  missing: noJob,
  without: UNREADABLE_FOR_JOBS,
  sql: (p) => ({ text: 'select * from beacon.job_validity($1::text)', values: [p.job_id] }),
});

export const executionAnswers = defineQuery({
  name: 'execution-answers',
  doc: 'What an execution was asked and answered, an attempt a row: answer, validity, tokens, and what served it.',
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text) => ({ execution_id: text }) }],
  row: z.object({
    execution_id: c.text('Execution.'),
    attempt: c.count('1 for the first.'),
    validity: z.enum(VALIDITIES).describe('What the attempt is worth.'),
    reason: c.textOrNull('Rule, finish reason, root cause or code that decided it.'),
    question_id: c.textOrNull('Id of the question.'),
    question: c.textOrNull('What was asked.'),
    answer: c.textOrNull('What the model answered.'),
    answer_chars: c.numberOrNull('Characters of the answer.'),
    answer_group: c.textOrNull('Hash of the answer as it is compared.'),
    language: c.textOrNull('Language of the answer (ISO 639-1), as far as it is recognised.'),
    job_id: c.textOrNull('Its job.'),
    model_id: c.modelIdColumn,
    response_model: c.textOrNull('Model that answered, as the other side says.'),
    same_model: z.boolean().nullable().describe('Whether that is the one asked for; null where it is not known.'),
    region: c.textOrNull('Region it was asked for in.'),
    served_region: c.textOrNull('Region that answered, as the other side says.'),
    same_region: z.boolean().nullable().describe('Whether that is the one asked for; null where it is not known.'),
    provider: c.textOrNull('Provider that answered.'),
    system_fingerprint: c.textOrNull('Fingerprint of the configuration that answered.'),
    quantisation: c.textOrNull('Quantisation of the weights, where the provider says.'),
    simulated: c.flag('Whether no real model ran.'),
    finish_reason: c.textOrNull('Why the model stopped.'),
    input_tokens: c.numberOrNull('Tokens read.'),
    output_tokens: c.numberOrNull('Tokens written.'),
    cached_tokens: c.numberOrNull('Of the tokens read, those from a cache.'),
    reasoning_tokens: c.numberOrNull('Of the tokens written, those of reasoning.'),
    latency_ms: c.numberOrNull('How long it took, milliseconds.'),
    first_chunk_ms: c.numberOrNull('Milliseconds until the first chunk.'),
    chunks_per_s: c.numberOrNull('Chunks a second after it.'),
    error_type: c.errorTypeColumn,
    error_message: c.errorMessageColumn,
    trace_id: c.textOrNull('Its trace.'),
    started_at: c.time('When it began.'),
    finished_at: c.timeOrNull('When it ended.'),
  }),
  limit: { default: 50, max: 500 },
  missing: ({ execution_id }) => ({
    what: `Nothing is known of what execution ${execution_id} was asked or answered.`,
    hint: 'Its spans carry no GenAI attributes, or its program does not call beacon.record_answer.',
  }),
  remark,
  sql: (p) => ({
    text: showsContent()
      ? 'select * from beacon.execution_answers($1::text)'
      : `select a.*, null::text as question, null::text as answer from (
          select * from beacon.execution_answers($1::text)) a`,
    values: [p.execution_id],
  }),
});
