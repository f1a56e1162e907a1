// How fast questions are answered over HTTP, one second after the last span was acknowledged and at rest, on spans that came
// over OTLP as clients send them, in the order of time and in none.
// Run: npm run bench:query [-- --spans 400000,1000000,10000000] [--orders time,random] [--json FILE]
// JAEGER_BIN=<binary of Jaeger 2> has it do the same beside.
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { startJaeger } from './query/jaeger.ts';
import { QUESTIONS, type Question } from './query/questions.ts';
import { type Ports, serve } from './query/serving.ts';
import { type Order, SPANS_A_TRACE, traffic } from './query/traffic.ts';

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '400000' },
    orders: { type: 'string', default: 'time,random' },
    rounds: { type: 'string', default: '30' },
    clients: { type: 'string', default: '4' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const REST_S = 600;

interface Figure {
  what: string;
  p50: number;
  p95: number;
}

const results: Record<string, unknown>[] = [];
for (const spans of values.spans.split(',').map(Number)) {
  for (const order of values.orders.split(',') as Order[]) await measure(spans, order);
}
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);

async function measure(spans: number, order: Order): Promise<void> {
  const traces = Math.round(spans / SPANS_A_TRACE);
  // As durable as a PostgreSQL that was installed and left alone.
  const server = await throwawayServer({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    autovacuum_naptime: '1min',
    max_wal_size: '4GB',
    shared_buffers: '256MB',
  });
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await migrateUp(client, [readSet('beacon', SQL_DIR)]);
    const serving = await serve(server.url);
    const sent = await send(serving.ports.otlp, traces, order);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const fresh = await ask(serving.ports, sent.ids);
    const restedS = await untilRest(client);
    const rest = await ask(serving.ports, sent.ids);
    const bytes = await bytesOf(client);
    await serving.stop();
    await client.end();
    const jaeger = process.env.JAEGER_BIN ? await besides(process.env.JAEGER_BIN, traces, order) : undefined;
    const rate = Math.round(sent.spans / sent.seconds).toLocaleString('en');
    console.log(
      `\n${sent.spans.toLocaleString('en')} spans, sent in order ${order} by ${values.clients} clients: ${rate} spans/s; at rest ${restedS.toFixed(0)} s after the first questions; ${bytes}; ${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)}`,
    );
    table(spans, { fresh, rest, jaeger });
    results.push({ spans: sent.spans, order, seconds: sent.seconds, fresh, rest, jaeger });
  } finally {
    await server.discard();
  }
}

async function besides(binary: string, traces: number, order: Order): Promise<Figure[]> {
  const jaeger = await startJaeger(binary);
  try {
    const sent = await send(jaeger.otlpPort, traces, order);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return await ask({ otlp: jaeger.otlpPort, jaeger: jaeger.queryPort, api: undefined }, sent.ids);
  } finally {
    await jaeger.stop();
  }
}

function table(
  spans: number,
  { fresh, rest, jaeger }: { fresh: Figure[]; rest: Figure[]; jaeger: Figure[] | undefined },
) {
  const factor = spans > 2_000_000 ? 2 : 1;
  const name = jaeger ? 'Jaeger' : 'elsewhere';
  const head = ['at once p50', 'p95', 'at rest p50', 'p95', 'target', name];
  console.log(`${head.map((text) => text.padStart(12)).join('')}  ms over HTTP`);
  for (const question of QUESTIONS) {
    const of = (figures: Figure[] | undefined) => figures?.find(({ what }) => what === question.what);
    const target = question.target * factor;
    const other = jaeger ? of(jaeger)?.p95 : question.jaeger;
    const cells = [of(fresh)?.p50, of(fresh)?.p95, of(rest)?.p50, of(rest)?.p95, target, other];
    const text = cells.map((value) => (value === undefined ? '–' : value.toFixed(1)).padStart(12)).join('');
    const late = [of(fresh), of(rest)].some((figure) => figure && figure.p95 > target);
    console.log(`${text}  ${question.what}${late ? '  ABOVE ITS TARGET' : ''}`);
  }
  if (!jaeger) {
    console.log(
      'elsewhere: p95 of Jaeger 2 with badger, 360,000 spans at once, measured on another machine; JAEGER_BIN measures it here.',
    );
  }
}

/** Sends all traces, each client its next request when the last is answered; ids of some of them. */
async function send(port: number, traces: number, order: Order) {
  const requests = traffic(traces, order, Date.now());
  const ids: string[] = [];
  let [spans, n] = [0, 0];
  const agent = new http.Agent({ keepAlive: true });
  const started = performance.now();
  const client = async () => {
    for (const { body, traceIds, count } of requests) {
      if (n++ % Math.max(1, Math.floor(traces / 60 / 60)) === 0) ids.push(traceIds[0]!);
      await post(agent, port, body);
      spans += count;
    }
  };
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  agent.destroy();
  return { spans, ids, seconds: (performance.now() - started) / 1_000 };
}

async function post(agent: http.Agent, port: number, body: Buffer): Promise<void> {
  for (let tries = 0; ; tries++) {
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
      const options = { agent, port, host: '127.0.0.1', path: '/v1/traces', method: 'POST', headers };
      const request = http.request(options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', reject);
      request.end(body);
    });
    if (status === 200) return;
    if (tries === 20) throw new Error(`Spans were answered with ${status}.`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function ask(ports: Ports, ids: string[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const question of QUESTIONS) {
    const port = ports[question.at];
    if (port !== undefined) figures.push(await timesOf(question, port, ids));
  }
  return figures;
}

async function timesOf({ what, path: pathOf }: Question, port: number, ids: string[]): Promise<Figure> {
  const times: number[] = [];
  for (let n = 0; n < rounds; n++) {
    const url = `http://127.0.0.1:${port}${pathOf({ n, traceId: ids[n % ids.length]!, now: Date.now() * 1_000 })}`;
    const started = performance.now();
    const answer = await fetch(url);
    await answer.arrayBuffer();
    times.push(performance.now() - started);
    if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
  }
  times.sort((a, b) => a - b);
  const share = (of: number) => times[Math.min(times.length - 1, Math.floor(of * times.length))]!;
  return { what, p50: share(0.5), p95: share(0.95) };
}

/** Waits until maintenance has nothing left to do; seconds it took. */
async function untilRest(client: pg.Client): Promise<number> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1_000;
  for (;;) {
    const { rows } = await client.query(
      `select exists (select from beacon.span_deltas) or exists (select from beacon.traces where baselined_at is null) as busy`,
    );
    if (!rows[0].busy || seconds() > REST_S) return seconds();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function bytesOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query(`
    select (select count(*) from beacon.trace_spans)::float8 as spans,
      (select sum(pg_total_relation_size(i.inhrelid)) from pg_inherits i where i.inhparent = 'beacon.trace_spans'::regclass)::float8 as stored,
      pg_total_relation_size('beacon.traces')::float8 as traces,
      (pg_total_relation_size('beacon.span_chunks') + pg_total_relation_size('beacon.span_chunk_index'))::float8 as index,
      (pg_total_relation_size('beacon.span_deltas') + pg_total_relation_size('beacon.span_rollups'))::float8 as counts`);
  const { spans, ...parts } = rows[0];
  return Object.entries(parts)
    .map(([name, bytes]) => `${name} ${(Number(bytes) / spans).toFixed(0)} B`)
    .join(', ')
    .replace(/^/, 'a span ');
}
