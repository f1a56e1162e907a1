// The runner put together: tables, delivery, executor, recovery and the API over them.
import type { DBTracer } from '@project-beacon/tracer';
import { fastifyGuard } from '@project-beacon/tracer/fastify';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Config } from './config.ts';
import { Delivery } from './delivery.ts';
import { RequestError } from './errors.ts';
import { Executor } from './execute.ts';
import { Leases } from './leases.ts';
import { openReceiptKey } from './receipt.ts';
import { openWaitingRegions, recover } from './recovery.ts';
import { apiRoutes } from './routes.ts';
import { openPool, requireTables } from './store.ts';

export interface RunnerOptions {
  config: Config;
  tracer: DBTracer;
  log: FastifyBaseLogger;
  /** Called with errors that are the runner's own. */
  report?: (error: Error) => void;
}

export interface Runner {
  /** Recovers what a predecessor left, starts working and listens; returns the port. */
  listen(): Promise<number>;
  /** Takes no more work, gives what is in flight STOP_GRACE_MS to end, and hands the rest back. */
  close(): Promise<void>;
}

export async function buildRunner({ config, tracer, log, report = () => {} }: RunnerOptions): Promise<Runner> {
  const complain = (what: string) => (error: Error) => {
    log.error({ err: error }, what);
    report(error);
  };
  const receiptKey = openReceiptKey(config.RECEIPT_KEY_FILE);
  const pool = openPool(config.DATABASE_URL, complain('a database connection was lost'));
  await requireTables(pool);
  const leases = new Leases(pool, config.STALE_AFTER_MS, complain('heartbeat failed'));
  const executor = new Executor({ pool, tracer, leases, receiptKey, config, log, report }, () => delivery);
  const delivery: Delivery = new Delivery({
    pool,
    concurrency: config.REGION_CONCURRENCY,
    timeoutMs: config.EXECUTION_TIMEOUT_MS,
    run: (executionId) => executor.run(executionId),
    onError: complain('delivery failed'),
  });
  const recovery = { pool, tracer, delivery, staleAfterMs: config.STALE_AFTER_MS, log };
  const app = buildApp(tracer, log, report);
  fastifyGuard(app, { host: config.HOST });
  await app.register(apiRoutes, { pool, tracer, delivery, leases, maxAttempts: config.MAX_ATTEMPTS, receiptKey });
  app.get('/health', async () => ({
    status: 'ok',
    service: 'runner',
    instance: tracer.processor.instance,
    router: config.HYBRID_ROUTER_URL || 'not configured',
    in_flight: leases.size,
    error_reporting: process.env.SENTRY_DSN ? 'Sentry' : 'none',
  }));

  let recovering = Promise.resolve();
  const recoverOnce = async () => {
    await openWaitingRegions(pool, delivery);
    await recover(recovery);
  };
  let timer: NodeJS.Timeout | undefined;

  return {
    async listen() {
      await delivery.start();
      await recoverOnce();
      timer = setInterval(() => {
        recovering = recovering.then(recoverOnce).catch(complain('recovery failed'));
      }, config.RECOVERY_INTERVAL_MS);
      return Number(new URL(await app.listen({ host: config.HOST, port: config.PORT })).port);
    },
    async close() {
      clearInterval(timer);
      await app.close();
      await recovering;
      const grace = setTimeout(() => leases.stop(), config.STOP_GRACE_MS);
      await delivery.stop();
      clearTimeout(grace);
      leases.close();
      await pool.end();
    },
  };
}

function buildApp(tracer: DBTracer, log: FastifyBaseLogger, report: (error: Error) => void): FastifyInstance {
  const logController = new LogController({ disableRequestLogging: true });
  const app = Fastify({ loggerInstance: log, logController, forceCloseConnections: 'idle' });
  app.setErrorHandler((error, request, reply) => {
    const known = asRequestError(error as Error);
    if (known.status >= 500) {
      request.log.error({ err: error }, 'request failed');
      report(error as Error);
    }
    return reply.status(known.status).send(known.body());
  });
  app.setNotFoundHandler((request) => {
    throw new RequestError(404, 'not_found', `There is no ${request.method} ${request.url} here.`);
  });
  app.get('/health/tracing', async () => tracer.health());
  app.post('/health/tracing/probe', async () => tracer.probe());
  return app;
}

function asRequestError(error: Error & { statusCode?: number }): RequestError {
  if (error instanceof RequestError) return error;
  // Fastify's own refusals (a body that is not valid JSON, one too large) carry a status below 500.
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new RequestError(error.statusCode, 'invalid_request', error.message, 'body');
  }
  return new RequestError(500, 'internal_error', 'The runner failed; its log says more.');
}
