// `beacon serve`: OTLP, the reading receivers and maintenance in one process, until a signal ends it.
import type { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { findDatabase, findReadDatabase } from '../cli/database.ts';
import { action, type VerbOptions, verb } from '../cli/verb.ts';
import type { Otlp } from '../receivers/start.ts';
import { createPool } from '../store/connect.ts';
import { shownAddress } from '../store/errors.ts';
import { openForReading, primaryOf, type ReadFrom } from '../store/replica.ts';
import { keepHeapSmall } from './heap.ts';
import { wholeNumber } from './numbers.ts';
import { otlpOptions, withOtlpOptions } from './otlp.ts';
import { listen, readingOptions, withReadingOptions } from './reading.ts';
import { type Certificate, certificateFrom } from './tls.ts';
import { buildStaleWeb } from './web.ts';

const CONNECTIONS = 8;

export function serveCommand(): Command {
  const serving = verb(
    'serve',
    'Takes spans over OTLP, answers over HTTP, as Jaeger and as Tempo, keeps the tables in order (lost spans, baselines, partitions, retention).',
  )
    .option('--read-only', 'answers only: takes no spans and does no maintenance, so that a replica is enough')
    .option('--maintain-every <ms>', 'pause between two rounds of maintenance, milliseconds', '5000');
  return withOtlpOptions(withReadingOptions(serving)).action(action(serve));
}

async function serve(options: VerbOptions): Promise<number> {
  // Loaded here, because every other verb starts faster without them.
  const [{ pino }, { LOOPBACK }, { startMaintenance }, { startOtlp }, { Gate }, { startAlerts }] = await Promise.all([
    import('pino'),
    import('../http/server.ts'),
    import('../maintenance/loop.ts'),
    import('../receivers/start.ts'),
    import('../receivers/token.ts'),
    import('../alerts/loop.ts'),
  ]);
  keepHeapSmall();
  const readOnly = options.readOnly === true;
  const { url, from } = databases(options);
  const reading = readingOptions(options, process.env, (host) => LOOPBACK.has(host));
  const otlpWanted = readOnly ? undefined : otlpOptions(options, process.env);
  const logger = pino({ name: 'server', level: process.env.LOG_LEVEL ?? 'info' });

  const maintenancePool = createPool(url, { applicationName: 'beacon maintenance', max: 2 });
  const { pool, end } = openForReading(from, { applicationName: 'beacon serve', max: CONNECTIONS });
  const maintenance = readOnly
    ? undefined
    : startMaintenance(maintenancePool, {
        intervalMs: wholeNumber('--maintain-every', options.maintainEvery, 3_600_000),
        warn: (message) => logger.warn(message),
      });
  const alerts = readOnly ? undefined : startAlerts(maintenancePool, { warn: (message) => logger.warn(message) });
  const guard = new Gate({
    token: process.env.BEACON_TOKEN || undefined,
    file: process.env.BEACON_TOKENS_FILE || undefined,
    warn: (message) => logger.warn(message),
  });
  const certificate = certificateFrom(process.env);
  const stop = untilSignal();
  const apps: FastifyInstance[] = [];
  let otlp: Otlp | undefined;
  try {
    const warn = (message: string) => logger.warn(message);
    const built = buildStaleWeb(warn);
    if (otlpWanted)
      otlp = await startOtlp(primaryOf(pool), {
        ...otlpWanted,
        gate: guard,
        tls: certificate,
        origins: reading.origins,
        connectionString: url,
        warn,
      });
    await built;
    for (const note of otlp?.ports.notes ?? []) logger.warn(note);
    const ports = await openReading({ pool, maintenance, logger, reading, guard, certificate, otlp, apps });
    const { httpPort, grpcPort, zipkinPort } = otlp?.ports ?? {};
    const all = { ...ports, otlpHttpPort: httpPort, otlpGrpcPort: grpcPort, zipkinPort };
    const replica = from.primary === undefined ? {} : { replica: shownAddress(from.url) };
    logger.info(
      { ...all, tls: certificate !== undefined, host: reading.host, database: shownAddress(url), ...replica, readOnly },
      'listening',
    );
    if (!reading.isLoopback && guard.isOpen) {
      logger.warn(`Listening on ${reading.host} without a token: anyone who can reach it can read every trace.`);
    }
    const signal = await stop;
    logger.info({ signal }, 'stopping');
  } finally {
    await otlp?.stop();
    await Promise.all(apps.map((app) => app.close()));
    await Promise.all([maintenance?.stop(), alerts?.stop()]);
    await Promise.all([end(), maintenancePool.end()]);
  }
  return 0;
}

/** Where a server writes, and where it reads. */
function databases(options: VerbOptions): { url: string; from: ReadFrom } {
  if (options.readOnly === true) {
    const from = findReadDatabase(options.databaseUrl);
    return { url: from.primary ?? from.url, from };
  }
  const { url } = findDatabase(options.databaseUrl);
  const replica = process.env.DATABASE_READ_URL;
  return { url, from: replica ? { url: replica, primary: url } : { url, primary: undefined } };
}

interface Parts {
  pool: import('pg').Pool;
  maintenance: import('../maintenance/loop.ts').Maintenance | undefined;
  logger: import('pino').Logger;
  reading: import('./reading.ts').ReadingOptions;
  guard: import('../receivers/token.ts').Gate;
  certificate: Certificate | undefined;
  otlp: Otlp | undefined;
  /** Takes what has to be closed in the end. */
  apps: FastifyInstance[];
}

/** Opens every reading port; each asks for the same token and answers the same hosts. */
async function openReading({ pool, maintenance, logger, reading, guard, certificate, otlp, apps }: Parts) {
  const [
    { httpServer, LOOPBACK, webDir },
    { httpApp },
    { jaegerError, jaegerRoutes },
    { tempoError, tempoRoutes },
    { mountMcp },
    { metricsText },
  ] = await Promise.all([
    import('../http/server.ts'),
    import('../http/app.ts'),
    import('../compat/jaeger/routes.ts'),
    import('../compat/tempo/routes.ts'),
    import('../mcp/http.ts'),
    import('../receivers/counters.ts'),
  ]);
  const { host, origins, requestsPerMinute, statementTimeoutMs } = reading;
  const hosts = reading.isLoopback ? LOOPBACK : undefined;
  // Longer than a statement may take, so that its own, better sentence is the answer.
  const timeoutMs = statementTimeoutMs * 2 + 1_000;
  const common = { logger, hosts, guard, origins, requestsPerMinute, timeoutMs, tls: certificate };
  const open = async (app: FastifyInstance, wanted: typeof reading.port, name: string, option: string) => {
    const { address, note } = await listen(app, host, wanted, { name, option });
    if (note) logger.warn(note);
    return address.port;
  };
  const metrics = () => {
    if (!otlp) return '';
    otlp.ingest.settle();
    return metricsText(otlp.ingest.counters, otlp.ingest.gauges());
  };

  const api = await httpServer({
    ...common,
    pool,
    maintenance,
    statementTimeoutMs,
    importer: otlp?.ingest,
    metrics,
    web: webDir(),
  });
  apps.push(api);
  tempoRoutes(api, pool, { prefix: '/tempo', statementTimeoutMs });
  mountMcp(api, { pool, statementTimeoutMs, warn: (message) => logger.warn(message) });
  const port = await open(api, reading.port, 'HTTP', '--port');

  let jaegerPort: number | undefined;
  if (reading.jaegerPort) {
    const jaeger = await httpApp({ ...common, sendError: jaegerError });
    apps.push(jaeger);
    jaegerRoutes(jaeger, pool, { statementTimeoutMs });
    jaegerPort = await open(jaeger, reading.jaegerPort, "Jaeger's query API", '--jaeger-port');
  }
  let tempoPort: number | undefined;
  if (reading.tempoPort) {
    const tempo = await httpApp({ ...common, sendError: tempoError });
    apps.push(tempo);
    tempoRoutes(tempo, pool, { prefix: '', statementTimeoutMs });
    tempoPort = await open(tempo, reading.tempoPort, "Tempo's API", '--tempo-port');
  }
  return { port, jaegerPort, tempoPort };
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    watchNpx(() => resolve('SIGTERM'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}

const LOOKS_EVERY_MS = 300;

/** A signal ends npx and the shell it started, and neither passes it on: that the shell is gone is the signal. */
function watchNpx(ended: () => void): void {
  if (process.env.npm_command !== 'exec') return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    ended();
  }, LOOKS_EVERY_MS);
  watch.unref();
}
