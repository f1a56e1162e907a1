// kill -9 of Beacon or of PostgreSQL at random moments under load: what was acknowledged is there, once.
// `npm run test:long` makes 50 rounds (CRASH_ROUNDS); CRASH_SEED repeats a run.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { seededRandom } from '@project-beacon/testkit/random.ts';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { startBeacon } from './beacon.ts';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const TRACES_A_TICK = 4;

const random = seededRandom(SEED);

/** Gives what was not acknowledged to the exporter again, as an application that must not lose a span would. */
class Insistent implements SpanExporter {
  readonly acknowledged = new Set<string>();
  attempts = 0;
  readonly #make: () => SpanExporter;

  constructor(make: () => SpanExporter) {
    this.#make = make;
  }

  export(spans: ReadableSpan[], done: (result: { code: number }) => void): void {
    const exporter = this.#make();
    this.attempts++;
    exporter.export(spans, ({ code }) => {
      void exporter.shutdown();
      if (code !== 0) {
        setTimeout(() => this.export(spans, done), 50).unref();
        return;
      }
      for (const span of spans) this.acknowledged.add(span.spanContext().spanId);
      done({ code: 0 });
    });
  }

  async shutdown(): Promise<void> {}
}

test(`${ROUNDS} rounds of kill -9 (seed ${SEED})`, { timeout: 60_000 + ROUNDS * 30_000 }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-crash-'));
  fs.chmodSync(dir, 0o755);
  // The machine does not crash here, so fsync may stay off; a commit must be in the system's hands all the same.
  const settings = { synchronous_commit: 'on' };
  const startPostgres = (port: number) =>
    startEmbedded({ dir: path.join(dir, 'postgres'), port, durable: false, settings });
  let postgres = await startPostgres(0);
  // Backends of a server that was killed end a moment after it; until then PostgreSQL refuses to start beside them.
  const startAgain = () =>
    until(
      'PostgreSQL starts again',
      () =>
        startPostgres(Number(new URL(postgres.url).port)).catch((error: Error) => {
          if (!error.message.includes('pre-existing shared memory block')) throw error;
          return undefined;
        }),
      30_000,
    );
  after(async () => {
    await postgres.stop('immediate');
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const { url } = postgres;
  const ask = async (sql: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(sql, values);
    await client.end();
    return rows;
  };
  const migrating = new pg.Client({ connectionString: url });
  await migrating.connect();
  await migrateUp(migrating, [readSet('beacon', SQL_DIR)]);
  await migrating.end();

  let beacon = await startBeacon(url);
  const ports = { http: beacon.httpPort, grpc: beacon.grpcPort };
  let resent = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const exporters = [
      new Insistent(() => new ProtoExporter({ url: `http://127.0.0.1:${ports.http}/v1/traces`, timeoutMillis: 2_000 })),
      new Insistent(() => new GrpcExporter({ url: `http://127.0.0.1:${ports.grpc}`, timeoutMillis: 2_000 })),
    ];
    const providers = exporters.map(
      (exporter) =>
        new TracerProvider({
          spanProcessors: [
            new BatchSpanProcessor({
              exporter,
              scheduledDelayMillis: 20,
              maxExportBatchSize: 64,
              maxQueueSize: 50_000,
            }),
          ],
        }),
    );
    let made = 0;
    const load = setInterval(() => {
      for (const provider of providers) {
        for (let i = 0; i < TRACES_A_TICK; i++) {
          provider
            .getTracer('crash')
            .startSpan(`round ${round}`, { attributes: { n: made++ } })
            .end();
        }
      }
    }, 5);
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 700));
    const victim = random() < 0.5 ? 'beacon' : 'postgres';
    if (victim === 'beacon') {
      beacon.child.kill('SIGKILL');
      await once(beacon.child, 'exit');
      beacon = await startBeacon(url, ports);
    } else {
      process.kill(postgres.pid, 'SIGKILL');
      await postgres.exited();
      postgres = await startAgain();
    }
    await new Promise((resolve) => setTimeout(resolve, random() * 200));
    clearInterval(load);
    // Shutting down sets the processor a time limit of its own; what counts is that nothing is left.
    const total = () => exporters.reduce((sum, exporter) => sum + exporter.acknowledged.size, 0);
    await Promise.all(providers.map((provider) => provider.forceFlush()));
    await until(`${made} spans are acknowledged, seed ${SEED}`, () => total() >= made, 25_000);
    await Promise.all(providers.map((provider) => provider.shutdown()));
    const acknowledged = exporters.flatMap((exporter) => [...exporter.acknowledged]);
    resent += exporters.reduce((sum, { attempts }) => sum + attempts, 0);
    assert.equal(acknowledged.length, made, `round ${round}: every span was acknowledged in the end`);
    const [found] = await ask(
      `select count(*)::int as rows, count(distinct span_id)::int as spans,
         count(distinct span_id) filter (where encode(span_id, 'hex') = any ($1))::int as acknowledged
       from beacon.trace_spans where operation = $2`,
      [acknowledged, `round ${round}`],
    );
    t.diagnostic(`round ${round}: ${victim} killed, ${made} spans, ${found.rows} rows`);
    assert.deepEqual(found, { rows: made, spans: made, acknowledged: made }, `round ${round}, seed ${SEED}`);
  }
  const [{ spans, counted }] = await ask(
    'select (select count(*)::int from beacon.trace_spans) as spans, (select sum(span_count)::int from beacon.traces) as counted',
  );
  assert.equal(counted, spans, 'the summaries count every span once');
  t.diagnostic(`${spans} spans in ${resent} requests; 0 missing, 0 doubled`);
  await beacon.stop();
});
