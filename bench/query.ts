// How fast questions are answered over HTTP, one second after the last span was acknowledged and at rest, on spans that came
// over OTLP as clients send them, in the order of time and in none; and while spans come and twenty users ask.
// Run: npm run bench:query [-- --spans 400000,1000000,10000000] [--orders time,random] [--live 600] [--readme] [--json FILE]
// --readme prints the rows of README's table in the end; with the defaults that takes some eight minutes on two cores.
// JAEGER_BIN=<binary of Jaeger 2> has it do the same beside.
import * as fs from 'node:fs';
import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { type Asked, type Figure, send, timesOf } from './query/client.ts';
import { startJaeger } from './query/jaeger.ts';
import { type Live, live } from './query/live.ts';
import { LARGE, LARGE_TRACE, QUESTIONS } from './query/questions.ts';
import { serve } from './query/serving.ts';
import { largeTrace, type Order, SPANS_A_TRACE, traffic } from './query/traffic.ts';

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '400000' },
    orders: { type: 'string', default: 'time,random' },
    rounds: { type: 'string', default: '30' },
    clients: { type: 'string', default: '4' },
    live: { type: 'string', default: '60' },
    'live-rate': { type: 'string', default: '3000' },
    users: { type: 'string', default: '20' },
    readme: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const clients = Number(values.clients);
const REST_S = 600;

interface Result {
  spans: number;
  order: Order;
  fresh: Figure[];
  rest: Figure[];
  jaeger: Figure[] | undefined;
  live: Live | undefined;
}

const results: Result[] = [];
for (const spans of values.spans.split(',').map(Number)) {
  for (const order of values.orders.split(',') as Order[]) results.push(await measure(spans, order));
}
if (values.readme) printRows();
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);

async function measure(spans: number, order: Order): Promise<Result> {
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
    const to = { ...serving.ports, measured: { pid: serving.pid, client } };
    const sent = await send(serving.ports.otlp, traffic(traces, order), { clients });
    const load = os.loadavg()[0]!;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const fresh = await ask(to, sent.ids, false);
    const restedS = await untilRest(client);
    const rest = await ask(to, sent.ids, true);
    const bytes = await bytesOf(client);
    await send(serving.ports.otlp, largeTrace(LARGE_TRACE, 100_000, Date.now()), { clients });
    const large = await timesOf(LARGE, to, sent.ids, { rounds: Math.min(10, rounds), warm: true });
    if (large) rest.push(large);
    const seconds = Number(values.live);
    const settings = { seconds, perSecond: Number(values['live-rate']), users: Number(values.users) };
    const lived = seconds > 0 && order === 'time' ? await live(to, sent.ids, settings) : undefined;
    await serving.stop();
    await client.end();
    const jaeger = process.env.JAEGER_BIN ? await besides(process.env.JAEGER_BIN, traces, order) : undefined;
    const rate = Math.round(sent.spans / sent.seconds).toLocaleString('en');
    console.log(
      `\n${sent.spans.toLocaleString('en')} spans, sent in order ${order} by ${clients} clients: ${rate} spans/s; at rest ${restedS.toFixed(0)} s after the first questions; ${bytes}; ${os.availableParallelism()} cores, load ${load.toFixed(1)} then and ${os.loadavg()[0]?.toFixed(1)} now`,
    );
    const result = { spans: sent.spans, order, fresh, rest, jaeger, live: lived };
    table(result);
    return result;
  } finally {
    await server.discard();
  }
}

async function besides(binary: string, traces: number, order: Order): Promise<Figure[]> {
  const jaeger = await startJaeger(binary);
  try {
    const sent = await send(jaeger.otlpPort, traffic(traces, order), { clients });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return await ask({ jaeger: jaeger.queryPort, api: undefined }, sent.ids, false);
  } finally {
    await jaeger.stop();
  }
}

async function ask(to: Asked, ids: string[], warm: boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const question of QUESTIONS) {
    const figure = await timesOf(question, to, ids, { rounds, warm });
    if (figure) figures.push(figure);
  }
  return figures;
}

function targetOf({ target }: { target: number }, spans: number): number {
  return spans > 2_000_000 && target < 300 ? 2 * target : target;
}

function table({ spans, fresh, rest, jaeger, live: lived }: Result) {
  const head = ['at once p50', 'p95', 'CPU', 'at rest p50', 'p95', 'CPU', 'target', jaeger ? 'Jaeger' : 'elsewhere'];
  console.log(`${head.map((text) => text.padStart(12)).join('')}  ms a question over HTTP`);
  for (const question of [...QUESTIONS, LARGE]) {
    const of = (figures: Figure[] | undefined) => figures?.find(({ what }) => what === question.what);
    const target = targetOf(question, spans);
    const other = jaeger ? of(jaeger)?.p95 : question.jaeger;
    const [first, last] = [of(fresh), of(rest)];
    const cells = [first?.p50, first?.p95, first?.cpu, last?.p50, last?.p95, last?.cpu, target, other];
    const text = cells.map((value) => (value === undefined ? '–' : value.toFixed(1)).padStart(12)).join('');
    const late = [first, last].some((figure) => figure && figure.p95 > target);
    console.log(`${text}  ${question.what}${late ? '  ABOVE ITS TARGET' : ''}`);
  }
  if (!jaeger) {
    console.log(
      'elsewhere: p95 of Jaeger 2 with badger, 360,000 spans at once, measured on another machine; JAEGER_BIN measures it here.',
    );
  }
  if (!lived) return;
  console.log(
    `\nwhile ${Math.round(lived.spansPerSecond).toLocaleString('en')} spans/s came for ${lived.seconds} s and ${values.users} users asked (${lived.answers} answers): p50, p95 and target, ms`,
  );
  for (const { what, p50, p95, target } of lived.figures) {
    const text = [p50, p95, targetOf({ target }, spans)].map((value) => value.toFixed(1).padStart(12)).join('');
    console.log(`${text}  ${what}`);
  }
}

/** Rows for README's table: what is worst of the orders, at once and at rest. */
function printRows(): void {
  console.log('');
  for (const spans of new Set(results.map((result) => result.spans))) {
    const of = results.filter((result) => result.spans === spans);
    for (const question of [...QUESTIONS, LARGE]) {
      const worst = (figures: Figure[][]) =>
        Math.max(...figures.flat().flatMap(({ what, p95 }) => (what === question.what ? [p95] : [])));
      const [first, last] = [worst(of.map(({ fresh }) => fresh)), worst(of.map(({ rest }) => rest))];
      const own = worst(of.map(({ jaeger }) => jaeger ?? []));
      const target = targetOf(question, spans);
      const slowest = Math.max(first, last);
      const against = Number.isFinite(own)
        ? `Jaeger 2 with badger beside it, ${ms(own)} ms`
        : `target ${target} ms${question.jaeger ? ` (Jaeger 2 with badger on another machine: ${question.jaeger})` : ''}`;
      const ratio = (slowest / (Number.isFinite(own) ? own : target)).toFixed(2);
      const both = Number.isFinite(first) ? `${ms(first)} ms at once, ${ms(last)} ms at rest` : `${ms(last)} ms`;
      console.log(
        `| ${question.what}, ${spans.toLocaleString('en')} spans, p95 over HTTP | ${both} | ${against} | ${ratio} | \`npm run bench:query\` |`,
      );
    }
    for (const { live: lived } of of) {
      if (!lived) continue;
      const late = lived.figures.filter(({ p95, target }) => p95 > targetOf({ target }, spans));
      const slowest = lived.figures.toSorted((a, b) => b.p95 - a.p95)[0]!;
      console.log(
        `| the same questions while ${Math.round(lived.spansPerSecond).toLocaleString('en')} spans/s come and ${values.users} users ask, for ${lived.seconds} s | slowest p95 ${ms(slowest.p95)} ms (${slowest.what}) | ${lived.figures.length - late.length} of ${lived.figures.length} within their targets | – | \`npm run bench:query\` |`,
      );
    }
  }
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
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
