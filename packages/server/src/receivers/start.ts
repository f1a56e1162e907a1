// All of it together: writer, receivers, counters, in one process.
import type pg from 'pg';
import { TOUCHES_ALL } from '../store/citus.ts';
import { BeaconError } from '../store/errors.ts';
import { Admission } from './admission.ts';
import { Ingest, type IngestOptions } from './ingest.ts';
import { checkHost, LOOPBACK, openPorts, type Ports, type Wanted } from './ports.ts';
import { startReport } from './report.ts';
import { Gate } from './token.ts';

export interface OtlpOptions extends Omit<IngestOptions, 'onFailure'> {
  /** Default 127.0.0.1. */
  host?: string;
  httpPort: Wanted;
  grpcPort: Wanted;
  zipkinPort?: Wanted | undefined;
  /** What clients must bring as a bearer token. */
  token?: string | undefined;
  /** Who may send, where it is more than one token. */
  gate?: Gate | undefined;
  /** Origins of web pages that may send. Default: none. */
  origins?: readonly string[] | undefined;
  /** Certificate and key, PEM, with which all ports speak TLS; without it they speak none. */
  tls?: { cert: Buffer; key: Buffer } | undefined;
  /** Requests a minute from one address; 0 for any number. Default 0. */
  requestsPerMinute?: number | undefined;
  /** Listens elsewhere than on loopback without a token. */
  anonymous?: boolean;
  /** Told of what goes wrong, at most once a minute of the same kind. */
  warn: (message: string) => void;
}

export interface Otlp {
  ports: Ports;
  ingest: Ingest;
  /** Answers what is under way, commits it, and says in its row that it stopped. */
  stop(): Promise<void>;
}

const WARN_EVERY_MS = 60_000;
const STOP_BUDGET_MS = 5_000;

/**
 * Takes spans over OTLP from now on.
 *
 * @param pool For /ready.
 * @throws BeaconError when it may not listen there, or cannot.
 */
export async function startOtlp(pool: pg.Pool, options: OtlpOptions): Promise<Otlp> {
  const { host = '127.0.0.1', token, anonymous = false, origins, requestsPerMinute } = options;
  const gate = options.gate ?? new Gate({ token });
  checkHost(host, gate, anonymous);
  const hosts = LOOPBACK.has(host) ? LOOPBACK : undefined;
  const warn = seldom(options.warn);
  const ingest = new Ingest({
    ...options,
    onFailure: (description) => warn('Spans cannot be written', description),
  });
  const open = await openPorts({
    ...options,
    host,
    ingest,
    gate,
    admission: new Admission({ hosts, origins, requestsPerMinute }),
    warn: (message, error) => warn(message, error instanceof Error ? (error.stack ?? error.message) : String(error)),
    isReady: async () => readiness(pool, ingest),
  }).catch(async (error) => {
    await ingest.close(0);
    throw error;
  });
  const { httpPort, grpcPort, zipkinPort } = open;
  const ports = { http: httpPort, grpc: grpcPort, ...(zipkinPort === undefined ? {} : { zipkin: zipkinPort }) };
  const report = startReport(options.connectionString, ingest, ports);
  return {
    ports: open,
    ingest,
    async stop() {
      ingest.stop();
      await ingest.close(STOP_BUDGET_MS);
      await open.close();
      await report.stop();
    },
  };
}

async function readiness(pool: pg.Pool, ingest: Ingest): Promise<{ ready: boolean; detail: string }> {
  if (ingest.pausedMs() > 0) return { ready: false, detail: 'the database failed a moment ago' };
  try {
    await pool.query(TOUCHES_ALL);
    return { ready: true, detail: 'spans are stored' };
  } catch (error) {
    const detail = error instanceof BeaconError ? error.message : 'the database does not answer, or is not migrated';
    return { ready: false, detail };
  }
}

function seldom(warn: (message: string) => void): (kind: string, detail: string) => void {
  const last = new Map<string, number>();
  return (kind, detail) => {
    const now = performance.now();
    if (now - (last.get(kind) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY_MS) return;
    last.set(kind, now);
    warn(`${kind}: ${detail}`);
  };
}
