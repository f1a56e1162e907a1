// What load balancers, Prometheus and people on call ask.
import * as os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { Maintenance } from '../maintenance/loop.ts';
import { readOnly, runQuery } from '../queries/run.ts';
import { tracers } from '../queries/state.ts';
import { TOUCHES_ALL } from '../store/citus.ts';
import { createPool } from '../store/connect.ts';
import { explainDatabaseError, shownAddress } from '../store/errors.ts';
import { primaryOf, type ReplicaState, replicaState } from '../store/replica.ts';
import type { Guard } from './app.ts';

const READY_TIMEOUT_MS = 2_000;
/** Past it, health is answered without the database. */
const HEALTH_TIMEOUT_MS = 700;
const OPEN = { config: { open: true } };

/**
 * Any caller learns whether it is well; why it is not needs the scope read.
 *
 * @param maintenance Undefined for a server that only reads.
 */
export function statusRoutes(
  app: FastifyInstance,
  pool: pg.Pool,
  maintenance: Maintenance | undefined,
  guard?: Guard,
): void {
  const mayRead = ({ headers }: FastifyRequest) => !guard || guard.admits(headers.authorization, 'read');
  // A connection of its own: those of the others may all be busy with what is slow.
  const url = pool.options.connectionString ?? '';
  const own = createPool(url, { applicationName: 'beacon status', max: 1 });
  app.addHook('onClose', () => own.end());
  let asked: Promise<DatabaseState> | undefined;
  const ask = () => {
    asked ??= askDatabase(own).finally(() => {
      asked = undefined;
    });
    return asked;
  };
  app.get('/health', OPEN, async (request) => {
    const late = { url: shownAddress(url), error: 'The database is slow to answer.' };
    const inTime = <T>(answer: Promise<T>, otherwise: T) =>
      Promise.race([answer, delay(HEALTH_TIMEOUT_MS, otherwise, { ref: false })]);
    const rounds = maintenance?.state() ?? null;
    const readsReplica = maintenance === undefined || primaryOf(pool) !== pool;
    const [database, replica] = await Promise.all([
      inTime<DatabaseState>(ask(), { ...late, schema: null, hint: null }),
      readsReplica ? inTime<ReplicaState>(replicaState(pool), { ...late, lagBytes: null, lagSeconds: null }) : null,
    ]);
    const isWell = database.error === null && !rounds?.lastError && !isBehind(replica);
    const status = isWell ? 'ok' : 'degraded';
    // Alive is alive: a restart does not repair the database. What depends on the database asks /ready.
    const instance = `${os.hostname()}:${process.pid}`;
    return mayRead(request) ? { status, instance, database, replica, maintenance: rounds } : { status };
  });
  app.get('/ready', OPEN, async (request, reply) => {
    const database = await ask();
    const ready = database.error === null;
    return reply.code(ready ? 200 : 503).send(mayRead(request) ? { ready, database } : { ready });
  });
  app.get('/health/tracing', async () => runQuery(pool, tracers, {}));
}

/** Who reads should know; who balances loads need not. */
const LATE_SECONDS = 30;

function isBehind(replica: ReplicaState | null): boolean {
  return replica !== null && (replica.error !== null || (replica.lagSeconds ?? 0) > LATE_SECONDS);
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
    const limits = { statementTimeoutMs: READY_TIMEOUT_MS };
    const answer = await runQuery(pool, tracers, { limit: 1 }, limits);
    // Of a cluster every worker has to answer: each holds a part of every time.
    await readOnly(pool, limits, ({ client }) => client.query(TOUCHES_ALL));
    return { url: shownAddress(url), schema: answer.schema, error: null, hint: null };
  } catch (error) {
    const { message, hint } = explainDatabaseError(error, url);
    return { url: shownAddress(url), schema: null, error: message, hint };
  }
}

interface Measured {
  count: number;
  seconds: number;
}

/** Adds /metrics; counts every request from now on. @param more Prometheus text of other parts of the process. */
export function metricsRoute(app: FastifyInstance, more: () => string): void {
  const measured = new Map<string, Measured>();
  const under = new Set<FastifyRequest>();
  app.addHook('onRequest', async (request) => {
    under.add(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    under.delete(request);
    // Unknown paths would each make a label.
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const labels = `route="${route}",method="${request.method}",status="${reply.statusCode}"`;
    const found = measured.get(labels) ?? { count: 0, seconds: 0 };
    found.count++;
    found.seconds += reply.elapsedTime / 1_000;
    measured.set(labels, found);
  });
  app.get('/metrics', async (_request, reply) => {
    const family = (name: string, type: string, help: string, samples: string[]) =>
      [`# HELP beacon_http_${name} ${help}`, `# TYPE beacon_http_${name} ${type}`, ...samples].join('\n');
    const all = [...measured];
    const text = [
      family(
        'requests_total',
        'counter',
        'Requests answered.',
        all.map(([labels, { count }]) => `beacon_http_requests_total{${labels}} ${count}`),
      ),
      family(
        'request_seconds_total',
        'counter',
        'Seconds they took, added up.',
        all.map(([labels, { seconds }]) => `beacon_http_request_seconds_total{${labels}} ${seconds.toFixed(6)}`),
      ),
      family('requests_under_way', 'gauge', 'Requests not answered yet.', [
        `beacon_http_requests_under_way ${under.size}`,
      ]),
    ];
    return reply.type('text/plain; version=0.0.4').send(`${text.join('\n')}\n${more()}`);
  });
}
