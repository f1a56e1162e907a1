import type { DBTracer } from '@project-beacon/tracer';
import { fastifyTracing } from '@project-beacon/tracer/fastify';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import type { Delivery } from './delivery.ts';
import { cancelJob, createJob, findExecution, findJob, listExecutions, listJobs } from './jobs.ts';
import type { Leases } from './leases.ts';
import type { ReceiptKey } from './receipt.ts';
import { listReceipts } from './receipts.ts';
import { readId, readIdempotencyKey, readJob, readPage, readRerun } from './request.ts';
import { rerunJob } from './rerun.ts';

export interface RoutesOptions {
  pool: pg.Pool;
  tracer: DBTracer;
  delivery: Delivery;
  leases: Leases;
  maxAttempts: number;
  receiptKey: ReceiptKey;
}

/** Files of questions are sent whole. */
const MAX_JOB_BYTES = 32 << 20;

export async function apiRoutes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  const { pool, tracer, delivery, leases, maxAttempts, receiptKey } = options;

  // Only what changes something is traced: polling for a result would bury it in spans.
  await app.register(async (changing) => {
    await changing.register(fastifyTracing, { tracer });

    changing.post('/api/v1/jobs/cross-region', { bodyLimit: MAX_JOB_BYTES }, async (request, reply) => {
      const job = readJob(request.body);
      const key = readIdempotencyKey(request.headers['idempotency-key']);
      const { replayed, ...accepted } = await createJob(pool, delivery, job, key, maxAttempts);
      tracer.setExecutionContext({ jobId: String(accepted.job_id) });
      if (replayed) reply.header('idempotent-replayed', 'true');
      return reply.status(202).header('location', `/api/v1/jobs/${accepted.job_id}`).send(accepted);
    });

    changing.post('/api/v1/jobs/:id/rerun', async (request, reply) => {
      const again = await rerunJob(pool, delivery, readId(request.params), readRerun(request.body), maxAttempts);
      tracer.setExecutionContext({ jobId: String(again.job_id) });
      return reply.status(202).send(again);
    });

    changing.post('/api/v1/jobs/:id/cancel', async (request) => {
      const cancelled = await cancelJob(pool, readId(request.params));
      leases.drop(cancelled.cancelled_executions);
      return cancelled;
    });
  });

  app.get('/api/v1/jobs', async (request) => listJobs(pool, readPage(request.query)));
  app.get('/api/v1/jobs/:id', async (request) => findJob(pool, readId(request.params)));
  app.get('/api/v1/jobs/:id/executions', async (request) =>
    listExecutions(pool, readId(request.params), readPage(request.query)),
  );
  app.get('/api/v1/executions/:id/receipts', async (request) =>
    listReceipts(pool, receiptKey.publicKey, readId(request.params)),
  );
  app.get('/api/v1/executions/:id', async (request) => findExecution(pool, readId(request.params)));
}
