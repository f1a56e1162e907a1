import type { DBTracer } from '@project-beacon/tracer';
import { fastifyGuard, fastifyTracing } from '@project-beacon/tracer/fastify';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { z } from 'zod';
import { chatRoutes } from './chat.ts';
import type { Config } from './config.ts';
import { Endpoints } from './endpoints.ts';
import { ApiError } from './errors.ts';
import { Faults, faultSchema } from './faults.ts';
import type { LocalModel } from './local.ts';
import { MODELS } from './model.ts';

export interface InferenceOptions {
  config: Config;
  tracer: DBTracer;
  log: FastifyBaseLogger;
  /** Called with errors that are the service's own fault. */
  report?: ((error: Error) => void) | undefined;
  /** A real model beside the simulated ones. */
  local?: LocalModel | undefined;
}

export interface Inference {
  app: FastifyInstance;
  endpoints: Endpoints;
  /** Listens on the control port and on every region's; returns the control port. */
  listen(): Promise<number>;
  /** Lets what is in flight end; requests that hang are answered with 503. */
  close(): Promise<void>;
}

export async function buildInference({ config, tracer, log, report, local }: InferenceOptions): Promise<Inference> {
  const logController = new LogController({ disableRequestLogging: true });
  const app = Fastify({ loggerInstance: log, logController, forceCloseConnections: 'idle' });
  fastifyGuard(app, { host: config.HOST });
  const endpoints = new Endpoints(app, config.HOST);
  const faults = new Faults(async (region, fault) => {
    if (fault?.fault === 'refuse') await endpoints.close(region);
    else await endpoints.open(region);
  });
  const stopping = new AbortController();

  // Only the work itself is traced: health checks and switches would bury it.
  await app.register(fastifyTracing, {
    tracer,
    ignore: ({ routeOptions }) => routeOptions.url !== '/v1/chat/completions',
  });
  // Kept alive, the connection of a last answer would keep the process from ending for seconds.
  app.addHook('onSend', async (_request, reply) => {
    if (stopping.signal.aborted) reply.header('connection', 'close');
  });
  app.setErrorHandler((error, request, reply) => {
    const known = asApiError(error as Error);
    if (known.status >= 500) {
      request.log.error({ err: error }, 'request failed');
      report?.(error as Error);
    }
    if (known.retryAfter !== undefined) reply.header('retry-after', String(known.retryAfter));
    return reply.status(known.status).header('x-beacon-simulated', 'true').send(known.body());
  });
  app.setNotFoundHandler((request) => {
    throw new ApiError(404, 'not_found', `There is no ${request.method} ${request.url} here.`);
  });

  chatRoutes(app, {
    tracer,
    faults,
    local,
    keys: config.INFERENCE_API_KEYS,
    regionOf: (request) => endpoints.regionOf(request),
    stopping: stopping.signal,
  });
  app.get('/v1/models', async () => ({
    object: 'list',
    data: [
      ...MODELS.map(({ id }) => ({ id, object: 'model', created: 0, owned_by: 'simulated' })),
      ...(local ? [{ id: local.id, object: 'model', created: 0, owned_by: 'local' }] : []),
    ],
  }));
  app.get('/health', async () => ({
    status: 'ok',
    service: 'inference',
    instance: tracer.processor.instance,
    error_reporting: process.env.SENTRY_DSN ? 'Sentry' : 'none',
    simulated: true,
    models: [...MODELS.map(({ id }) => id), ...(local ? [local.id] : [])],
    regions: endpoints.ports(),
    faults: faults.all(),
  }));
  app.get('/health/tracing', async () => tracer.health());
  app.post('/health/tracing/probe', async () => tracer.probe());
  faultRoutes(app, faults, endpoints);

  return {
    app,
    endpoints,
    async listen() {
      await app.ready();
      for (const [region, port] of Object.entries(config.REGIONS)) await endpoints.open(region, port);
      for (const [region, fault] of Object.entries(config.FAULTS)) await faults.set(region, fault);
      return Number(new URL(await app.listen({ host: config.HOST, port: config.PORT })).port);
    },
    async close() {
      stopping.abort();
      await endpoints.drain();
      await app.close();
    },
  };
}

function faultRoutes(app: FastifyInstance, faults: Faults, endpoints: Endpoints): void {
  const regionParameter = z.object({ region: z.string() });

  app.register(async (control) => {
    // Only the control port switches faults: a region's port is what a caller of that region can reach.
    control.addHook('onRequest', async (request) => {
      if (endpoints.regionOf(request) !== undefined) {
        throw new ApiError(404, 'not_found', 'Faults are switched on the control port.');
      }
    });
    control.get('/faults', async () => ({ faults: faults.all() }));
    control.put('/faults/:region', async (request) => {
      const region = knownRegion(request.params);
      const read = faultSchema.safeParse(request.body);
      if (!read.success) {
        const issue = read.error.issues[0];
        const param = issue?.path.join('.') || 'body';
        throw new ApiError(400, 'invalid_request', `${param}: ${issue?.message}`, { param });
      }
      return { region, ...(await faults.set(region, read.data)) };
    });
    control.delete('/faults/:region', async (request) => {
      const region = knownRegion(request.params);
      await faults.clear(region);
      return { region, fault: null };
    });
  });

  function knownRegion(params: unknown): string {
    const { region } = regionParameter.parse(params);
    const known = Object.keys(endpoints.ports());
    if (known.includes(region)) return region;
    throw new ApiError(404, 'region_not_found', `There is no region ${region}; there are ${known.join(', ')}.`);
  }
}

function asApiError(error: Error & { statusCode?: number; code?: string }): ApiError {
  if (error instanceof ApiError) return error;
  // Fastify's own refusals (a body that is not valid JSON, one too large) carry a status below 500.
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ApiError(error.statusCode, 'invalid_request', error.message);
  }
  return new ApiError(500, 'internal_error', 'The service failed; its log says more.');
}
