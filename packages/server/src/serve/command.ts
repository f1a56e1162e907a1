// `beacon serve`: OTLP, HTTP API and maintenance in one process, until a signal ends it.
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { findDatabase } from '../cli/database.ts';
import { action, type VerbOptions, verb } from '../cli/verb.ts';
import { createPool } from '../store/connect.ts';
import { BeaconError, maskUrl } from '../store/errors.ts';
import { wholeNumber } from './numbers.ts';
import { otlpOptions, traceRoute, withOtlpOptions } from './otlp.ts';
import { buildStaleWeb } from './web.ts';

const PORT = 8080;
const HOST = '127.0.0.1';

export function serveCommand(): Command {
  const serving = verb(
    'serve',
    'Takes spans over OTLP, serves the HTTP API, keeps the tables in order (lost spans, baselines, partitions, retention).',
  )
    .option('--port <port>', `port (default: PORT, else ${PORT}; 0 lets the system choose)`)
    .option('--host <host>', `address to listen on (default: HOST, else ${HOST})`)
    .option('--maintain-every <ms>', 'pause between two rounds of maintenance, milliseconds', '5000');
  return withOtlpOptions(serving).action(action(serve));
}

async function serve(options: VerbOptions): Promise<number> {
  // Loaded here, because every other verb starts faster without them.
  const [{ pino }, { httpServer, LOOPBACK }, { mountMcp }, { startMaintenance }, { startOtlp }] = await Promise.all([
    import('pino'),
    import('../http/server.ts'),
    import('../mcp/http.ts'),
    import('../maintenance/loop.ts'),
    import('../otlp/start.ts'),
  ]);
  const { url } = findDatabase(options.databaseUrl);
  const port = wholeNumber('--port', options.port ?? process.env.PORT ?? PORT, 65_535);
  const host = String(options.host ?? process.env.HOST ?? HOST);
  const otlpWanted = otlpOptions(options, process.env);
  const logger = pino({ name: 'server', level: process.env.LOG_LEVEL ?? 'info' });

  const maintenancePool = createPool(url, { applicationName: 'beacon maintenance', max: 1 });
  const pool = createPool(url, { applicationName: 'beacon serve', max: 4 });
  const maintenance = startMaintenance(maintenancePool, {
    intervalMs: wholeNumber('--maintain-every', options.maintainEvery, 3_600_000),
    warn: (message) => logger.warn(message),
  });
  const isLoopback = LOOPBACK.has(host);
  const app = httpServer({ pool, maintenance, logger, hosts: isLoopback ? LOOPBACK : undefined });
  await traceRoute(app, pool);
  mountMcp(app, { pool, warn: (message) => logger.warn(message) });
  const stop = untilSignal();
  await buildStaleWeb((message) => logger.warn(message));
  let otlp: Awaited<ReturnType<typeof startOtlp>> | undefined;
  try {
    const warn = (message: string) => logger.warn(message);
    if (otlpWanted) otlp = await startOtlp(pool, { ...otlpWanted, connectionString: url, warn });
    for (const note of otlp?.doors.notes ?? []) logger.warn(note);
    await listen(app, host, port);
    const bound = app.server.address() as AddressInfo;
    const { httpPort, grpcPort, zipkinPort } = otlp?.doors ?? {};
    const ports = { port: bound.port, otlpHttpPort: httpPort, otlpGrpcPort: grpcPort, zipkinPort };
    logger.info({ ...ports, host: bound.address, database: maskUrl(url) }, 'listening');
    if (!isLoopback) logger.warn(`Listening on ${host}: whoever reaches this port can read every trace.`);
    const signal = await stop;
    logger.info({ signal }, 'stopping');
  } finally {
    await otlp?.stop();
    await app.close();
    await maintenance.stop();
    await Promise.all([pool.end(), maintenancePool.end()]);
  }
  return 0;
}

async function listen(app: { listen(o: { host: string; port: number }): Promise<string> }, host: string, port: number) {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === 'EADDRINUSE' ? `Port ${port} on ${host} is busy.` : `Cannot listen on ${host}:${port}: ${message}`;
    throw new BeaconError('internal', what, 'Choose another one with --port (0 lets the system choose) or --host.');
  }
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
