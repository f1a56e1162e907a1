import type { DBTracer } from '@project-beacon/tracer';
import { fastifyGuard, fastifyTracing } from '@project-beacon/tracer/fastify';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Config } from './config.ts';
import { RouterError } from './errors.ts';
import { inferenceRoute } from './inference.ts';
import { Provider } from './provider.ts';

export interface RouterOptions {
  config: Config;
  tracer: DBTracer;
  log: FastifyBaseLogger;
  /** Where the API keys are looked up. */
  env: NodeJS.ProcessEnv;
  /** Called with errors that are not the caller's. */
  report?: (error: Error) => void;
}

export async function buildRouter({ config, tracer, log, env, report }: RouterOptions): Promise<FastifyInstance> {
  const logController = new LogController({ disableRequestLogging: true });
  const app = Fastify({ loggerInstance: log, logController, forceCloseConnections: 'idle' });
  fastifyGuard(app, { host: config.HOST });
  const providers = config.providers.map(
    (provider) =>
      new Provider({
        config: provider,
        timeoutMs: provider.timeoutMs ?? config.PROVIDER_TIMEOUT_MS,
        circuitFailures: config.CIRCUIT_FAILURES,
        circuitOpenMs: config.CIRCUIT_OPEN_MS,
        env,
      }),
  );

  // Only the work itself is traced: health checks would bury it.
  await app.register(fastifyTracing, { tracer, ignore: ({ routeOptions }) => routeOptions.url !== '/inference' });
  app.setErrorHandler((error, request, reply) => {
    const known = asKnown(error as Error);
    if (known.status >= 500) {
      const own = known.cause === error && { err: error };
      request.log.warn({ code: known.code, attempts: known.attempts, ...own }, known.message);
      report?.(error as Error);
    }
    if (known.retryAfter !== undefined) reply.header('retry-after', String(known.retryAfter));
    return reply.status(known.status).send(known.body());
  });
  app.setNotFoundHandler((request) => {
    throw new RouterError(404, 'not_found', `There is no ${request.method} ${request.url} here.`);
  });

  inferenceRoute(app, tracer, providers);
  app.get('/providers', async () => ({ providers: providers.map((provider) => provider.status()) }));
  app.get('/health', async () => {
    const healthy = providers.filter((provider) => provider.circuit() !== 'open').length;
    const { instance } = tracer.processor;
    const errors = process.env.SENTRY_DSN ? 'Sentry' : 'none';
    return { status: 'ok', service: 'router', instance, error_reporting: errors, providers: providers.length, healthy };
  });
  app.get('/health/tracing', async () => tracer.health());
  app.post('/health/tracing/probe', async () => tracer.probe());
  return app;
}

function asKnown(error: Error & { statusCode?: number }): RouterError {
  if (error instanceof RouterError) return error;
  // Fastify's own refusals (a body that is not valid JSON, one too large) carry a status below 500.
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new RouterError(error.statusCode, 'invalid_request', error.message);
  }
  return new RouterError(500, 'internal_error', 'The router failed; its log says more.', { cause: error });
}
