// The HTTP API: a route a query, traces as files and streams, the web interface, and what load balancers ask.
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import type { Maintenance } from '../maintenance/loop.ts';
import type { Query } from '../queries/query.ts';
import { QUERIES } from '../registry.ts';
import { type AppOptions, httpApp } from './app.ts';
import { docsRoutes } from './docs.ts';
import { jobExportRoute } from './job-export.ts';
import { type LiveOptions, liveRoute } from './live.ts';
import { operationRoutes } from './queries.ts';
import { webRoutes } from './static.ts';
import { metricsRoute, statusRoutes } from './status.ts';
import { type Importer, traceFileRoutes } from './trace-files.ts';

export { LOOPBACK } from './app.ts';
export { webDir } from './static.ts';

export interface HttpOptions extends AppOptions {
  pool: pg.Pool;
  /** Undefined for a server that only reads. */
  maintenance?: Maintenance | undefined;
  /** Default: all of the registry. */
  queries?: readonly Query[];
  /** Milliseconds after which the database stops a query. Default 15,000. */
  statementTimeoutMs?: number | undefined;
  live?: LiveOptions;
  /** Takes imported traces; without it they are refused. */
  importer?: Importer | undefined;
  /** Prometheus text of other parts of the process. */
  metrics?: (() => string) | undefined;
  /** Folder of the built web interface; without it there is none. */
  web?: string | undefined;
}

/** The server, not yet listening: other APIs may add their routes to it before. */
export async function httpServer(options: HttpOptions): Promise<FastifyInstance> {
  const { pool, queries = QUERIES, statementTimeoutMs } = options;
  const app = await httpApp(options);
  metricsRoute(app, options.metrics ?? (() => ''));
  statusRoutes(app, pool, options.maintenance, options.guard);
  operationRoutes(app, pool, queries, { statementTimeoutMs });
  liveRoute(app, pool, options.live);
  await jobExportRoute(app, pool);
  await traceFileRoutes(app, pool, { importer: options.importer, statementTimeoutMs });
  docsRoutes(app, queries, options.guard?.isOpen === false);
  if (options.web) await webRoutes(app, options.web);
  return app;
}
