// One attempt at one execution: claim, ask the router, store the result or decide what follows.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import type { DBTracer } from '@project-beacon/tracer';
import type { FastifyBaseLogger } from 'fastify';
import type pg from 'pg';
import { answered, failedAttempt } from './answers.ts';
import type { Config } from './config.ts';
import type { Delivery } from './delivery.ts';
import { AttemptError } from './errors.ts';
import { type Claim, claim, complete, fail, handBack, noteTrace, retry, storable } from './executions.ts';
import { LeaseLost, type Leases, Stopping } from './leases.ts';
import { issueReceipt, type ReceiptKey } from './receipt.ts';
import { askRouter, type Output } from './router-client.ts';
import { type Database, inTransaction } from './store.ts';

export interface ExecutorOptions {
  pool: pg.Pool;
  tracer: DBTracer;
  leases: Leases;
  receiptKey: ReceiptKey;
  config: Config;
  log: FastifyBaseLogger;
  /** Called with failures that are not the other side's. */
  report: (error: Error) => void;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #delivery: () => Delivery;

  /** @param delivery called when an execution has to be delivered again; delivery and executor need each other. */
  constructor(options: ExecutorOptions, delivery: () => Delivery) {
    this.#options = options;
    this.#delivery = delivery;
  }

  /** Works on an execution if there is anything to do. Rejects only when the database cannot be reached to begin. */
  async run(executionId: string): Promise<void> {
    const { pool, leases, config, log, report } = this.#options;
    const held = await claim(pool, executionId);
    if (!held) return;
    const signal = leases.hold(held, config.EXECUTION_TIMEOUT_MS);
    try {
      await this.#attempt(held, signal);
    } catch (error) {
      // Its lease goes stale and recovery takes it from there.
      log.error({ err: error, execution_id: executionId }, 'the end of an attempt could not be stored');
      report(error as Error);
    } finally {
      leases.release(held);
    }
  }

  async #attempt(held: Claim, signal: AbortSignal): Promise<void> {
    const { pool, tracer, config, receiptKey, log } = this.#options;
    const execution = tracer.setExecutionContext(executionContext(held), ROOT_CONTEXT);
    const span = tracer.startSpan(
      'execution.run',
      {
        kind: SpanKind.CONSUMER,
        root: true,
        links: linksTo(tracer, held.firstTraceparent),
        attributes: { ...attributesOf(held), 'beacon.queued_ms': Math.round(held.queuedMs) },
      },
      execution,
    );
    const noted = this.#note(held, span);
    // Log lines carry the trace's id when they are written inside.
    const active = trace.setSpan(execution, span);
    try {
      const ask = () => askRouter(config.HYBRID_ROUTER_URL, held, signal);
      const output = await context.with(active, ask);
      const receipt = issueReceipt(receiptKey, held, output, traceIdOf(span));
      const recorded = answered(held, output, traceIdOf(span), config.redactor);
      span.setAttributes(servedAs(output));
      await noted;
      if (!(await persistently(() => complete(pool, held, output, receipt, recorded))))
        throw new LeaseLost('lease lost');
      tracer.completeSpan(span);
      context.with(active, () => log.info({ ...logged(held), provider: output.provider }, 'execution completed'));
    } catch (error) {
      await noted;
      // The outcome of the attempt; a failure to store it surfaces after the span has ended.
      const failing = () => this.#failed(held, error as Error, traceIdOf(span));
      const stored = context.with(active, failing).catch((cause: Error) => cause);
      const why = reason(error as Error);
      tracer.completeSpanWithError(span, error as Error, {
        'error.type': why.code,
        ...(why.missingSetting && { 'beacon.missing_setting': why.missingSetting }),
      });
      const failure = await stored;
      if (failure instanceof Error) throw failure;
    }
  }

  /** Stored beside the call, not before it: it must be there when the process dies, and must not cost time. */
  async #note(held: Claim, span: Span): Promise<void> {
    const { traceId, spanId } = span.spanContext();
    if (traceIdOf(span) === null) return;
    try {
      await noteTrace(this.#options.pool, held, traceId, `00-${traceId}-${spanId}-01`);
    } catch (error) {
      this.#options.log.warn({ err: error, ...logged(held) }, 'the trace of an execution could not be noted');
    }
  }

  async #failed(held: Claim, error: Error, traceId: string | null): Promise<void> {
    const { pool, config, log } = this.#options;
    if (error instanceof LeaseLost) {
      log.warn(logged(held), 'the lease was lost (cancelled or taken over); the result is not kept');
      return;
    }
    if (error instanceof Stopping) {
      await this.#again(held, 0, (db) => handBack(db, held));
      log.info(logged(held), 'execution handed back');
      return;
    }
    const { code, transient, retryAfterMs } = reason(error);
    const message = config.redactor.ofText(storable(error.message));
    const recorded = failedAttempt(held, traceId, code, message, config.redactor);
    if (transient && held.attempt < held.maxAttempts) {
      const delayMs = Math.max(retryAfterMs, backoff(config.RETRY_DELAY_MS, held.attempt));
      log.warn({ ...logged(held), error_type: code, retry_in_ms: delayMs }, message);
      await this.#again(held, delayMs, (db) => retry(db, held, code, message, delayMs, recorded));
      return;
    }
    log.error({ ...logged(held), error_type: code }, message);
    await persistently(() => fail(pool, held, code, message, recorded));
  }

  /** State and delivery in one transaction: neither a pending execution without delivery nor the reverse. */
  async #again(held: Claim, delayMs: number, change: (db: Database) => Promise<boolean>): Promise<void> {
    const { executionId: id, region } = held;
    const delivery = this.#delivery();
    await persistently(() =>
      inTransaction(this.#options.pool, async (db) => {
        if (await change(db)) await delivery.send(db, [{ id, region }], delayMs);
      }),
    );
    delivery.poke(region, delayMs);
  }
}

/** Links to the first attempt; empty during it, or when it was not traced. */
export function linksTo(tracer: DBTracer, traceparent: string | null): Link[] {
  const first = traceparent ? trace.getSpanContext(tracer.extract({ traceparent })) : undefined;
  return first ? [{ context: first, attributes: { 'beacon.link': 'first_attempt' } }] : [];
}

export function executionContext(held: Pick<Claim, 'jobId' | 'executionId' | 'model' | 'region'>) {
  return { jobId: held.jobId, executionId: held.executionId, modelId: held.model, region: held.region };
}

export function attributesOf(held: Pick<Claim, 'jobId' | 'executionId' | 'model' | 'region' | 'attempt'>) {
  return {
    'beacon.job_id': held.jobId,
    'beacon.execution_id': Number(held.executionId),
    'beacon.model_id': held.model,
    'beacon.region': held.region,
    'beacon.attempt': held.attempt,
  };
}

/** Where and by what it was answered: on the span of the execution too, which is looked at first. */
function servedAs({ served_region, response_model }: Output): Attributes {
  return {
    ...(served_region && { 'beacon.served_region': served_region }),
    ...(response_model && { 'gen_ai.response.model': response_model }),
  };
}

function traceIdOf(span: Span): string | null {
  const context = span.spanContext();
  return isSpanContextValid(context) ? context.traceId : null;
}

function logged({ executionId, jobId, region, attempt }: Claim) {
  return { execution_id: Number(executionId), job_id: Number(jobId), region, attempt };
}

interface Reason {
  code: string;
  transient: boolean;
  retryAfterMs: number;
  missingSetting?: string | undefined;
}

function reason(error: Error): Reason {
  if (error instanceof AttemptError) return error;
  if (error instanceof LeaseLost) return { code: 'cancelled', transient: false, retryAfterMs: 0 };
  if (error instanceof Stopping) return { code: 'runner_stopping', transient: true, retryAfterMs: 0 };
  // The runner's own trouble, such as a database that stayed away: the question may well be asked again.
  return { code: 'internal_error', transient: true, retryAfterMs: 0 };
}

/** Doubles with each attempt, a quarter up or down so that retries do not come together. */
function backoff(baseMs: number, attempt: number): number {
  return Math.round(baseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2));
}

/** A database that is away for a moment must not cost a result that is there. */
async function persistently<T>(store: () => Promise<T>): Promise<T> {
  for (const waitMs of [100, 400, 1600, 4000]) {
    try {
      return await store();
    } catch {
      await delay(waitMs);
    }
  }
  return store();
}
