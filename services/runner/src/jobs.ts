// Jobs as the API shows them. Names in answers are the names of the columns.
import type pg from 'pg';
import type { Delivery } from './delivery.ts';
import { RequestError } from './errors.ts';
import type { CrossRegionJob, Page, Question } from './request.ts';
import { requestHash } from './request.ts';
import { type Database, inTransaction } from './store.ts';

export interface Accepted {
  job_id: number;
  executions: { id: number; model: string; region: string; question: string }[];
  /** True when an Idempotency-Key led to a job that was there already. */
  replayed: boolean;
}

/**
 * Stores a job and hands its executions to the queues, in one transaction.
 *
 * @throws RequestError 422 when the key belongs to another request, 400 for a regular expression that is none.
 */
export async function createJob(
  pool: pg.Pool,
  delivery: Delivery,
  job: CrossRegionJob,
  key: string | null,
  maxAttempts: number,
): Promise<Accepted> {
  await Promise.all(job.regions.map((region) => delivery.open(region)));
  const accepted = await inTransaction(pool, async (db) => {
    const inserted = await db.query(
      `insert into runner.jobs (models, regions, questions, idempotency_key, request_hash)
       values ($1, $2, $3, $4, $5) on conflict (idempotency_key) do nothing returning id`,
      [job.models, job.regions, job.questions.map(({ question }) => question), key, requestHash(job)],
    );
    const jobId = inserted.rows[0]?.id;
    if (jobId === undefined) return replay(db, job, key);
    const { rows } = await db.query(
      `insert into runner.executions (job_id, model_id, region, question, question_id, max_attempts)
       select $1, model, region, question, question_id, $6
       from unnest($2::text[]) with ordinality m (model, m),
            unnest($3::text[]) with ordinality r (region, r),
            unnest($4::text[], $5::text[]) with ordinality q (question, question_id, q)
       order by m, r, q
       returning id, model_id, region, question`,
      [
        ...[jobId, job.models, job.regions, job.questions.map(({ question }) => question)],
        ...[job.questions.map(({ id }) => id ?? null), maxAttempts],
      ],
    );
    await expect(db, String(jobId), job.questions);
    await delivery.send(db, rows);
    return { job_id: Number(jobId), executions: rows.map(accept), replayed: false };
  });
  if (!accepted.replayed) for (const region of job.regions) delivery.poke(region);
  return accepted;
}

/**
 * Stores what the questions should be answered with, and which executions their answers judge.
 *
 * @throws RequestError 400 that names the question whose regular expression is none.
 */
async function expect(db: Database, jobId: string, questions: readonly Question[]): Promise<void> {
  for (const [n, { scorer, expected }] of questions.entries()) {
    if (scorer !== 'regex' || expected === undefined) continue;
    await db.query(`select '' ~ $1`, [expected]).catch((error: Error) => {
      const what = `is no regular expression of PostgreSQL: ${error.message}`;
      throw new RequestError(400, 'invalid_request', `questions.${n}.expected: ${what}`, `questions.${n}.expected`);
    });
  }
  const given = JSON.stringify(questions.filter(({ expected, judges }) => expected !== undefined || judges));
  if (given === '[]') return;
  await db.query(
    `insert into beacon.expected_answers (job_id, question_id, scorer, expected, field, name)
     select $1, coalesce(q.id, beacon.question_id(q.question)), q.scorer, q.expected, q.field, q.score
     from jsonb_to_recordset($2::jsonb) q (id text, question text, scorer text, expected text, field text, score text)
     where q.expected is not null`,
    [jobId, given],
  );
  await db.query(
    `insert into beacon.judgements (job_id, question_id, execution, name)
     select $1, coalesce(q.id, beacon.question_id(q.question)), q.judges ->> 'execution', q.judges ->> 'name'
     from jsonb_to_recordset($2::jsonb) q (id text, question text, judges jsonb) where q.judges is not null`,
    [jobId, given],
  );
}

async function replay(db: Database, job: CrossRegionJob, key: string | null): Promise<Accepted> {
  const { rows } = await db.query('select id, request_hash from runner.jobs where idempotency_key = $1', [key]);
  if (rows[0].request_hash !== requestHash(job)) {
    throw new RequestError(
      422,
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request.',
      'Idempotency-Key',
    );
  }
  const executions = await db.query(
    'select id, model_id, region, question from runner.executions where job_id = $1 order by id',
    [rows[0].id],
  );
  return { job_id: Number(rows[0].id), executions: executions.rows.map(accept), replayed: true };
}

function accept(row: { id: string; model_id: string; region: string; question: string }) {
  return { id: Number(row.id), model: row.model_id, region: row.region, question: row.question };
}

// A job's state follows from its executions; a column would be a second truth.
const JOB = `
  select j.id, j.models, j.regions, j.questions, j.created_at, j.cancelled_at, e.*,
    case
      when j.cancelled_at is not null then 'cancelled'
      when e.completed = e.executions then 'completed'
      when e.pending + e.processing = 0 then 'failed'
      when e.pending = e.executions then 'pending'
      else 'processing'
    end as status
  from runner.jobs j
  cross join lateral (
    select count(*)::int as executions,
      count(*) filter (where status = 'pending')::int as pending,
      count(*) filter (where status = 'processing')::int as processing,
      count(*) filter (where status = 'completed')::int as completed,
      count(*) filter (where status = 'failed')::int as failed,
      count(*) filter (where status = 'cancelled')::int as cancelled,
      max(completed_at) as last_completed_at
    from runner.executions where job_id = j.id
  ) e`;

/** Newest first; `truncated` counts the older ones that were not returned. */
export async function listJobs(db: Database, { limit, after }: Page) {
  const { rows } = await db.query(`${JOB} where $1::bigint is null or j.id < $1 order by j.id desc limit $2`, [
    after ?? null,
    limit,
  ]);
  const last = rows.at(-1)?.id ?? after ?? 0;
  const rest = await db.query('select count(*)::int as truncated from runner.jobs where id < $1', [last]);
  return { jobs: rows.map(showJob), limit, truncated: rest.rows[0].truncated, next_after: Number(last) };
}

export async function findJob(db: Database, id: string) {
  const { rows } = await db.query(`${JOB} where j.id = $1`, [id]);
  if (rows.length === 0) throw new RequestError(404, 'job_not_found', `There is no job ${id}.`, 'id');
  return showJob(rows[0]);
}

function showJob({ executions, pending, processing, completed, failed, cancelled, ...job }: Record<string, unknown>) {
  return {
    ...job,
    id: Number(job.id),
    executions: { total: executions, pending, processing, completed, failed, cancelled },
  };
}

const EXECUTION = `
  select id, job_id, model_id, region, question, status, attempt, max_attempts, output_data, receipt_data, error_type,
    error_message, replace(trace_id::text, '-', '') as trace_id, created_at, started_at, completed_at, duration_ms
  from runner.executions`;

/** In the order they were asked for; `truncated` counts those after the last one returned. */
export async function listExecutions(db: Database, jobId: string, { limit, after, status }: Page) {
  await findJob(db, jobId);
  const where = 'where job_id = $1 and id > $2 and ($3::text is null or status = $3)';
  const { rows } = await db.query(`${EXECUTION} ${where} order by id limit $4`, [
    jobId,
    after ?? 0,
    status ?? null,
    limit,
  ]);
  const last = rows.at(-1)?.id ?? after ?? 0;
  const rest = await db.query(`select count(*)::int as truncated from runner.executions ${where}`, [
    jobId,
    last,
    status ?? null,
  ]);
  return { executions: rows.map(showExecution), limit, truncated: rest.rows[0].truncated, next_after: Number(last) };
}

export async function findExecution(db: Database, id: string) {
  const { rows } = await db.query(`${EXECUTION} where id = $1`, [id]);
  if (rows.length === 0) throw new RequestError(404, 'execution_not_found', `There is no execution ${id}.`, 'id');
  return showExecution(rows[0]);
}

function showExecution(row: Record<string, unknown>) {
  return { ...row, id: Number(row.id), job_id: Number(row.job_id) };
}

/** Cancels what has not ended; what is running loses its lease, so that its result is not kept. */
export async function cancelJob(db: Database, id: string) {
  const { rows } = await db.query(
    `with cancelled as (
       update runner.jobs set cancelled_at = now()
       where id = $1 and cancelled_at is null
         and exists (select from runner.executions where job_id = $1 and status in ('pending', 'processing'))
       returning id
     )
     update runner.executions e
     set status = 'cancelled', lease = null, completed_at = now()
     from cancelled
     where e.job_id = cancelled.id and e.status in ('pending', 'processing')
     returning e.id`,
    [id],
  );
  return { ...(await findJob(db, id)), cancelled_executions: rows.map((row) => Number(row.id)) };
}
