// The state machine of one execution. Every transition names the state it starts from, and every end names the lease,
// so that of two runners that believe they hold an execution only one can end it.
import { randomUUID } from 'node:crypto';
import type { Recorded } from './answers.ts';
import type { Receipt } from './receipt.ts';
import type { Output } from './router-client.ts';
import type { Database } from './store.ts';

/** An attempt that has begun. */
export interface Claim {
  executionId: string;
  jobId: string;
  model: string;
  region: string;
  question: string;
  /** Id the question came with, else one made of its text: of what was asked, not of what is stored of it. */
  questionId: string;
  /** When the attempt began, by the clock of the database, ISO 8601. */
  startedAt: string;
  /** 1 for the first. */
  attempt: number;
  maxAttempts: number;
  /** W3C traceparent of the first attempt; null during it. */
  firstTraceparent: string | null;
  /** Milliseconds it waited after it could have started. */
  queuedMs: number;
  lease: string;
}

/** Begins an attempt; undefined when there is nothing to begin: cancelled, ended or held by another. */
export async function claim(db: Database, executionId: string): Promise<Claim | undefined> {
  const lease = randomUUID();
  const { rows } = await db.query(
    `update runner.executions
     set status = 'processing', attempt = attempt + 1, lease = $2, started_at = now(), heartbeat_at = now(),
         duration_ms = null
     where id = $1 and status = 'pending'
     returning job_id, model_id, region, question, coalesce(question_id, beacon.question_id(question)) as question_id,
       to_json(started_at) #>> '{}' as began, attempt, max_attempts, first_traceparent,
       greatest(0, extract(epoch from now() - available_at)::float8 * 1000) as queued_ms`,
    [executionId, lease],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    executionId,
    lease,
    jobId: row.job_id,
    model: row.model_id,
    region: row.region,
    question: row.question,
    questionId: row.question_id,
    startedAt: row.began,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    firstTraceparent: row.first_traceparent,
    queuedMs: row.queued_ms,
  };
}

/** Notes the trace of the attempt, so that it can be found even when the attempt never ends. */
export async function noteTrace(db: Database, { executionId, lease }: Claim, traceId: string, traceparent: string) {
  await db.query(
    `update runner.executions
     set trace_id = $3::uuid, first_traceparent = coalesce(first_traceparent, $4)
     where id = $1 and lease = $2`,
    [executionId, lease, traceId, traceparent],
  );
}

/** Says that the holders are alive; returns the leases that are still theirs. */
export async function heartbeat(db: Database, leases: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query(
    'update runner.executions set heartbeat_at = now() where lease = any($1::uuid[]) returning lease',
    [leases],
  );
  return new Set(rows.map((row) => row.lease));
}

/** Ends an execution with its answer; false when the lease was lost, and then nothing has changed. */
export async function complete(
  db: Database,
  held: Claim,
  output: Output,
  receipt: Receipt,
  recorded: Recorded,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with ended as (
       update runner.executions
       set status = 'completed', lease = null, output_data = $3, receipt_data = $4, error_type = null,
           error_message = null, completed_at = now(), duration_ms = ${SINCE_START}
       where id = $1 and lease = $2
       returning id, attempt, duration_ms
     ), signed as (
       insert into runner.receipts (execution_id, attempt, receipt_data) select id, attempt, $4 from ended
       on conflict (execution_id, attempt) do nothing
     )
     select ${RECORDED('$5', '$6')} from ended`,
    [held.executionId, held.lease, JSON.stringify(output), JSON.stringify(receipt), ...recorded],
  );
  return rowCount === 1;
}

/** Ends an execution as failed; false when the lease was lost. */
export async function fail(
  db: Database,
  held: Claim,
  code: string,
  message: string,
  recorded: Recorded,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with ended as (
       update runner.executions
       set status = 'failed', lease = null, error_type = $3, error_message = $4, completed_at = now(),
           duration_ms = ${SINCE_START}
       where id = $1 and lease = $2
       returning duration_ms
     )
     select ${RECORDED('$5', '$6')} from ended`,
    [held.executionId, held.lease, code, storable(message), ...recorded],
  );
  return rowCount === 1;
}

/** Gives an execution back for another attempt after `delayMs`; false when the lease was lost. */
export async function retry(
  db: Database,
  held: Claim,
  code: string,
  message: string,
  delayMs: number,
  recorded: Recorded,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with ended as (
       update runner.executions
       set status = 'pending', lease = null, error_type = $3, error_message = $4,
           available_at = now() + $5::float8 * interval '1 millisecond', duration_ms = ${SINCE_START}
       where id = $1 and lease = $2
       returning duration_ms
     )
     select ${RECORDED('$6', '$7')} from ended`,
    [held.executionId, held.lease, code, storable(message), delayMs, ...recorded],
  );
  return rowCount === 1;
}

/** Gives an execution back as if the attempt had not begun: its runner is stopping in order. */
export async function handBack(db: Database, held: Claim): Promise<boolean> {
  const { rowCount } = await db.query(
    `update runner.executions
     set status = 'pending', lease = null, attempt = attempt - 1, available_at = now()
     where id = $1 and lease = $2`,
    [held.executionId, held.lease],
  );
  return rowCount === 1;
}

const SINCE_START = 'extract(epoch from clock_timestamp() - started_at)::float8 * 1000';

/** Beacon's row of the attempt, with the end and the duration that the database measured. */
const RECORDED = (told: string, keepContent: string) =>
  `beacon.record_answer(${told}::jsonb || jsonb_build_object('latency_ms', ended.duration_ms, 'finished_at', clock_timestamp()),
     ${keepContent}::boolean)`;

export function storable(message: string): string {
  return message.replaceAll('\0', '\uFFFD').slice(0, 2000);
}
