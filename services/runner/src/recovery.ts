// Executions whose runner vanished: taken from it and given to another, or failed when their attempts are used up.
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import type { DBTracer } from '@project-beacon/tracer';
import type { FastifyBaseLogger } from 'fastify';
import type pg from 'pg';
import type { Delivery } from './delivery.ts';
import { attributesOf, executionContext, linksTo } from './execute.ts';
import { type Database, inTransaction } from './store.ts';

export interface RecoveryOptions {
  pool: pg.Pool;
  tracer: DBTracer;
  delivery: Delivery;
  /** Milliseconds without a heartbeat after which an execution is taken over. */
  staleAfterMs: number;
  log: FastifyBaseLogger;
}

export interface Recovered {
  requeued: number;
  failed: number;
  /** Pending executions whose delivery had been lost. */
  redelivered: number;
}

/** One pass. Several runners may recover at once: each execution is taken by one of them. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { pool, delivery, staleAfterMs, log } = options;
  const recovered: Recovered = { requeued: 0, failed: 0, redelivered: 0 };
  for (;;) {
    const what = await recoverOne(options);
    if (what === undefined) break;
    recovered[what]++;
  }
  if (recovered.requeued + recovered.failed === 0) log.info('no stale processing jobs found');
  else log.warn(recovered, 'stale processing jobs recovered');

  for (const { id, region } of await waiting(pool, staleAfterMs)) {
    await delivery.open(region);
    if (await delivery.isQueued(id, region)) continue;
    await delivery.send(pool, [{ id, region }]);
    delivery.poke(region);
    recovered.redelivered++;
    log.warn({ execution_id: Number(id) }, 'a pending execution was in no queue; delivered again');
  }
  return recovered;
}

/** Opens the queues of executions that are there already: this process may be new, or another accepted the job. */
export async function openWaitingRegions(pool: pg.Pool, delivery: Delivery): Promise<void> {
  const { rows } = await pool.query(
    `select distinct region from runner.executions where status in ('pending', 'processing')`,
  );
  for (const { region } of rows) await delivery.open(region);
}

async function recoverOne(options: RecoveryOptions): Promise<'requeued' | 'failed' | undefined> {
  const { pool, tracer, delivery, log } = options;
  return inTransaction(pool, async (db) => {
    const stale = await takeStale(db, options.staleAfterMs);
    if (!stale) return undefined;
    const outcome = stale.attempt < stale.maxAttempts ? 'requeued' : 'failed';
    const span = tracer.startSpan(
      'execution.recover',
      {
        kind: SpanKind.INTERNAL,
        root: true,
        links: linksTo(tracer, stale.firstTraceparent),
        attributes: { ...attributesOf(stale), 'beacon.recovery': outcome, 'beacon.silent_ms': stale.silentMs },
      },
      tracer.setExecutionContext(executionContext(stale), ROOT_CONTEXT),
    );
    try {
      const lost = `The runner fell silent during attempt ${stale.attempt}`;
      if (outcome === 'requeued') await requeue(db, delivery, stale);
      else await giveUp(db, stale, `${lost}, and no attempt is left.`);
      await recordLost(db, stale, `${lost}.`);
      tracer.completeSpan(span);
    } catch (error) {
      tracer.completeSpanWithError(span, error as Error);
      throw error;
    }
    log.warn(
      { execution_id: Number(stale.executionId), attempt: stale.attempt, silent_ms: stale.silentMs, outcome },
      'the runner of this execution fell silent',
    );
    return outcome;
  });
}

interface Stale {
  executionId: string;
  jobId: string;
  model: string;
  region: string;
  attempt: number;
  maxAttempts: number;
  firstTraceparent: string | null;
  silentMs: number;
}

async function takeStale(db: Database, staleAfterMs: number): Promise<Stale | undefined> {
  const { rows } = await db.query(
    `select id, job_id, model_id, region, attempt, max_attempts, first_traceparent,
       extract(epoch from now() - heartbeat_at)::float8 * 1000 as silent_ms
     from runner.executions
     where status = 'processing' and heartbeat_at < now() - $1::float8 * interval '1 millisecond'
     order by heartbeat_at limit 1 for update skip locked`,
    [staleAfterMs],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    executionId: row.id,
    jobId: row.job_id,
    model: row.model_id,
    region: row.region,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    firstTraceparent: row.first_traceparent,
    silentMs: Math.round(row.silent_ms),
  };
}

async function requeue(db: Database, delivery: Delivery, { executionId: id, region }: Stale): Promise<void> {
  await db.query(`update runner.executions set status = 'pending', lease = null, available_at = now() where id = $1`, [
    id,
  ]);
  await delivery.open(region);
  await delivery.send(db, [{ id, region }]);
  // The delivery is seen once this transaction has ended.
  delivery.poke(region, 50);
}

async function giveUp(db: Database, { executionId }: Stale, message: string): Promise<void> {
  await db.query(
    `update runner.executions
     set status = 'failed', lease = null, completed_at = now(), error_type = 'runner_lost', error_message = $2
     where id = $1`,
    [executionId, message],
  );
}

/** The attempt that was lost, among those that Beacon compares: it was no answer. */
async function recordLost(db: Database, { executionId, attempt }: Stale, message: string): Promise<void> {
  await db.query(
    `select beacon.record_answer(jsonb_build_object('execution_id', e.id, 'attempt', $2::integer, 'job_id', e.job_id::text,
       'model_id', e.model_id, 'region', e.region, 'question_id', coalesce(e.question_id, beacon.question_id(e.question)),
       'trace_id', e.trace_id, 'status', 'failed', 'error_type', 'runner_lost', 'error_message', $3::text,
       'started_at', e.started_at, 'finished_at', now()))
     from runner.executions e where e.id = $1`,
    [executionId, attempt, message],
  );
}

/** The oldest executions that could have started long ago; in a long queue they are simply waiting. */
async function waiting(db: Database, staleAfterMs: number): Promise<{ id: string; region: string }[]> {
  const { rows } = await db.query(
    `select id, region from runner.executions
     where status = 'pending' and available_at < now() - $1::float8 * interval '1 millisecond'
     order by available_at limit 20`,
    [staleAfterMs],
  );
  return rows;
}
