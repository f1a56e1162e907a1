// The HTTP API: a route an operation, and what load balancers ask.
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import type { Maintenance } from '../maintenance/loop.ts';
import { OPERATIONS } from '../operations/registry.ts';
import { runOperation } from '../operations/run.ts';
import { tracers } from '../operations/state.ts';
import { BeaconError, explainDatabaseError, maskUrl } from '../store/errors.ts';
import { problem, problemOf, sendProblem } from './problems.ts';

export interface HttpOptions {
  pool: pg.Pool;
  maintenance: Maintenance;
  logger: FastifyBaseLogger;
  /** Host names that requests may be addressed to; `undefined` allows every name. */
  hosts: ReadonlySet<string> | undefined;
}

/** Names under which a server on loopback is addressed. Anything else is a web page that guessed the address. */
export const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

const READY_TIMEOUT_MS = 2_000;

/** The server, not yet listening. */
export function httpServer({ pool, maintenance, logger, hosts }: HttpOptions): FastifyInstance {
  const logController = new LogController({ disableRequestLogging: true });
  const app = fastify({ loggerInstance: logger, logController, forceCloseConnections: 'idle' });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    if (hosts && !hosts.has(hostOf(request))) {
      throw new BeaconError(
        'forbidden',
        `Requests to the host "${hostOf(request)}" are not answered here.`,
        'Use 127.0.0.1 or localhost.',
      );
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error);
    if (answer.status >= 500) request.log.error({ err: error, url: request.url }, answer.detail);
    return sendProblem(reply, answer);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problem(404, 'not_found', `There is no ${request.method} ${request.url}.`, 'GET /api/v1 lists every operation.'),
    ),
  );

  app.get('/health', async (_request, reply) => {
    const database = await askDatabase(pool);
    const rounds = maintenance.state();
    const status = database.error === null && rounds.lastError === null ? 'ok' : 'degraded';
    // Alive is alive: a restart does not repair the database. What depends on the database asks /ready.
    return reply.send({ status, database, maintenance: rounds });
  });
  app.get('/ready', async (_request, reply) => {
    const database = await askDatabase(pool);
    const ready = database.error === null;
    return reply.code(ready ? 200 : 503).send({ ready, database });
  });
  app.get('/health/tracing', async () => runOperation(pool, tracers, {}));

  app.get('/api/v1', async () => ({
    operations: OPERATIONS.map(({ name, doc, params }) => ({
      name,
      doc,
      path: `/api/v1/${name}`,
      parameters: z.toJSONSchema(params, { io: 'input' }),
    })),
  }));
  for (const operation of OPERATIONS) {
    app.get(`/api/v1/${operation.name}`, async (request) =>
      runOperation(pool, operation, request.query as Record<string, unknown>),
    );
  }
  return app;
}

/** Host header without its port. */
function hostOf(request: FastifyRequest): string {
  return (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
}

interface DatabaseState {
  url: string;
  schema: string | null;
  error: string | null;
  hint: string | null;
}

/** Whether the database answers and is migrated; never rejects. */
async function askDatabase(pool: pg.Pool): Promise<DatabaseState> {
  const url = pool.options.connectionString ?? '';
  try {
    const answer = await runOperation(pool, tracers, { limit: 1 }, { statementTimeoutMs: READY_TIMEOUT_MS });
    return { url: maskUrl(url), schema: answer.schema, error: null, hint: null };
  } catch (error) {
    const { message, hint } = explainDatabaseError(error, url);
    return { url: maskUrl(url), schema: null, error: message, hint };
  }
}
