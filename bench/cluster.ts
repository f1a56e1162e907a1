// The writer on a Citus cluster beside the same on one server, in turn: npm run bench cluster -- --cluster URL --plain URL
// Both are databases that were migrated, the first with --distribute. With --steady SECONDS batches go to the cluster alone,
// those that fail again and again; kill a worker meanwhile, start it again, and see that nothing acknowledged is missing.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Redactor, resourceRow, type SpanRow, writeBatch } from '@project-beacon/writer';
import pg from 'pg';

const { values } = parseArgs({
  options: {
    cluster: { type: 'string' },
    plain: { type: 'string' },
    batch: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '12' },
    steady: { type: 'string' },
  },
});
if (!values.cluster || (!values.plain && !values.steady)) {
  console.error('Give --cluster URL and --plain URL, or --cluster URL --steady SECONDS.');
  process.exit(2);
}
const size = Number(values.batch);
const resource = resourceRow({
  attributes: { 'service.name': 'bench' },
  scopeName: null,
  scopeVersion: null,
  otel: null,
});
const redactor = new Redactor();
const LONG_MS = 60_000;

function spans(count: number): SpanRow[] {
  const seconds = Math.trunc(Date.now() / 1_000);
  return Array.from({ length: count }, (_, i) => {
    return {
      traceId: randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      parentSpanId: null,
      service: `service-${i % 7}`,
      operation: `operation ${i % 50}`,
      kind: 'server',
      status: 'completed',
      start: [seconds, i * 1_000],
      end: [seconds + 1, i * 1_000],
      attributes: {
        'http.request.method': 'GET',
        'http.route': `/items/${i % 97}`,
        'user.id': i % 1_000,
        retry: false,
      },
      resource,
      executionId: null,
      executionKey: null,
      jobId: null,
      modelId: null,
      region: null,
      errorType: null,
      errorMessage: null,
      events: null,
      links: null,
      traceState: null,
      otel: null,
      tracerId: null,
      flags: null,
      update: false,
    };
  });
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] as number;

async function compare(cluster: string, plain: string): Promise<void> {
  const sides = [
    { name: 'plain', client: await connected(plain), ms: [] as number[] },
    { name: 'cluster', client: await connected(cluster), ms: [] as number[] },
  ];
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const { client, ms } of round % 2 ? sides : sides.toReversed()) {
      const rows = spans(size);
      const began = performance.now();
      const { written } = await writeBatch(client, rows, { redactor, statementTimeoutMs: LONG_MS });
      // The first batch of a connection opens those to the workers.
      if (round > 0) ms.push(performance.now() - began);
      if (written !== size) throw new Error(`${written} of ${size} spans were written.`);
    }
  }
  for (const { name, client, ms } of sides) {
    console.log(
      `${name.padEnd(8)} ${median(ms).toFixed(0)} ms a batch of ${size}: ${Math.round((1000 * size) / median(ms))} spans/s`,
    );
    await client.end();
  }
  const [one, many] = sides.map(({ ms }) => median(ms)) as [number, number];
  console.log(`ratio    ${(one / many).toFixed(2)} of plain (target 0.9)`);
}

async function steady(url: string, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  const acknowledged: string[] = [];
  let client = await connected(url);
  let failures = 0;
  while (performance.now() < until) {
    const rows = spans(200);
    for (;;) {
      try {
        await writeBatch(client, rows, { redactor, statementTimeoutMs: 5_000 });
        acknowledged.push(...rows.map(({ traceId }) => traceId));
        break;
      } catch (error) {
        failures++;
        if (failures === 1) console.log(`first failure: ${(error as Error).message.split('\n')[0]}`);
        await client.end().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 200));
        client = await connected(url);
      }
    }
  }
  // What a crash left prepared is ended by the cluster itself within a minute.
  await new Promise((resolve) => setTimeout(resolve, 65_000));
  const { rows } = await client.query(
    `select count(distinct s.trace_id)::integer as traces, count(*)::integer as spans from beacon.trace_spans s
     where s.trace_id = any ($1::uuid[])`,
    [acknowledged],
  );
  console.log(
    `${acknowledged.length} spans acknowledged, ${failures} failed tries; found ${rows[0].traces}, doubled ${rows[0].spans - rows[0].traces}`,
  );
  await client.end();
  process.exitCode = rows[0].traces === acknowledged.length && rows[0].spans === acknowledged.length ? 0 : 1;
}

if (values.steady) await steady(values.cluster, Number(values.steady));
else await compare(values.cluster, values.plain as string);
