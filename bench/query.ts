// How fast questions are answered over HTTP with a million spans in the table, beside the plain statement where an
// operation has a faster way. Run: npm run bench:query [-- --traces 100000] [--json FILE] [--plans]
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { explainSql } from '@project-beacon/server/queries/run.ts';
import { QUERIES } from '@project-beacon/server/registry.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer, withDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { cpuOf } from './ingest/processes.ts';
import { BIG_JOB, fill, LARGE_TRACE, SPANS_A_TRACE, traceIdOf } from './query/data.ts';
import { shapeOf } from './query/plans.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: '100000' },
    hours: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '40' },
    json: { type: 'string' },
    plans: { type: 'boolean', default: false },
  },
});
const traces = Number(values.traces);
const rounds = Number(values.rounds);

interface Question {
  what: string;
  limitMs: number;
  name: string;
  /** Another one each round, as users do. */
  params: (round: number) => Record<string, string>;
  /** Where it is asked; default: the operation's own route. */
  at?: { port: 'jaegerPort' | 'port'; path: string };
}

const spread = (round: number) => Math.floor((((round * 7919) % 1000) / 1000) * traces);
const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
const QUESTIONS: Question[] = [
  { what: 'trace by id', limitMs: 20, name: 'trace', params: (n) => ({ trace_id: traceIdOf(spread(n)) }) },
  {
    what: 'search: an attribute of one span',
    limitMs: 50,
    name: 'search',
    params: (n) => ({ q: `order.id=order-${spread(n)}` }),
  },
  {
    what: 'search: an attribute of ten spans',
    limitMs: 50,
    name: 'search',
    params: () => ({ q: 'feature.flag=beta-7' }),
  },
  { what: 'search: an attribute of none', limitMs: 50, name: 'search', params: (n) => ({ q: `order.id=none-${n}` }) },
  {
    what: 'search: a common attribute, newest 20',
    limitMs: 100,
    name: 'search',
    params: (n) => ({ q: `customer.tier=${['free', 'pro', 'team'][n % 3]}` }),
  },
  {
    what: 'search: failures of a service, newest 20',
    limitMs: 100,
    name: 'search',
    params: () => ({ q: 'service=gateway status=failed' }),
  },
  { what: 'search: no filter, newest 20', limitMs: 100, name: 'search', params: () => ({}) },
  {
    what: 'spans: an attribute of one span',
    limitMs: 50,
    name: 'spans',
    params: (n) => ({ q: `order.id=order-${spread(n)}` }),
  },
  { what: 'spans: an attribute of ten', limitMs: 50, name: 'spans', params: () => ({ q: 'feature.flag=beta-7' }) },
  { what: 'spans: an attribute of none', limitMs: 50, name: 'spans', params: (n) => ({ q: `order.id=none-${n}` }) },
  {
    what: 'spans: a common attribute, newest 20',
    limitMs: 100,
    name: 'spans',
    params: (n) => ({ q: `customer.tier=${['free', 'pro', 'team'][n % 3]}` }),
  },
  { what: 'services of a day', limitMs: 20, name: 'services', params: () => ({}) },
  { what: 'operations of a day', limitMs: 20, name: 'operations', params: () => ({}) },
  {
    what: 'dependencies of an hour',
    limitMs: 200,
    name: 'dependencies',
    params: (n) => ({ from: ago(2 + (n % 10)), to: ago(1 + (n % 10)) }),
  },
  { what: 'heatmap of a day', limitMs: 300, name: 'heatmap', params: () => ({}) },
  { what: 'heatmap of a day, all spans', limitMs: 300, name: 'heatmap', params: () => ({ spans: 'all' }) },
  {
    what: 'heatmap of a day, an attribute of ten spans',
    limitMs: 300,
    name: 'heatmap',
    params: () => ({ q: 'feature.flag=beta-7' }),
  },
  {
    what: 'heatmap of a day, an attribute of fifty spans',
    limitMs: 300,
    name: 'heatmap',
    params: (n) => ({ q: `user.id=u-${100 + n}` }),
  },
  {
    what: 'differences of a day, an attribute of fifty spans',
    limitMs: 300,
    name: 'differences',
    params: (n) => ({ q: `user.id=u-${100 + n}`, min_ms: '100' }),
  },
  {
    what: 'series of a day, an attribute of ten spans',
    limitMs: 300,
    name: 'series',
    params: () => ({ q: 'feature.flag=beta-7' }),
  },
  { what: 'series of a day, one service', limitMs: 300, name: 'series', params: () => ({ service: 'payment' }) },
  {
    what: 'job matrix of 1,000 executions',
    limitMs: 100,
    name: 'job-matrix',
    params: () => ({ job_id: BIG_JOB, limit: '1000' }),
  },
  {
    what: 'columns of a trace of 100,000 spans',
    limitMs: 500,
    name: 'trace-columns',
    params: () => ({ trace_id: LARGE_TRACE }),
  },
  // What Grafana's data sources ask.
  {
    what: 'Jaeger: services',
    limitMs: 50,
    name: '',
    params: () => ({}),
    at: { port: 'jaegerPort', path: '/api/services' },
  },
  {
    what: 'Jaeger: 20 traces by a tag, whole',
    limitMs: 500,
    name: '',
    params: (n) => ({ service: 'gateway', limit: '20', tags: `{"customer.tier":"${['free', 'pro', 'team'][n % 3]}"}` }),
    at: { port: 'jaegerPort', path: '/api/traces' },
  },
  {
    what: 'Jaeger: a trace by id',
    limitMs: 50,
    name: '',
    params: (n) => ({ traceID: traceIdOf(spread(n)) }),
    at: { port: 'jaegerPort', path: '/api/traces' },
  },
  {
    what: 'Tempo: failures of a service, newest 20',
    limitMs: 500,
    name: '',
    params: () => ({ q: '{resource.service.name="gateway" && status=error}', limit: '20' }),
    at: { port: 'port', path: '/tempo/api/search' },
  },
  {
    what: 'Tempo: names of tags',
    limitMs: 500,
    name: '',
    params: () => ({}),
    at: { port: 'port', path: '/tempo/api/v2/search/tags' },
  },
];

const server = await throwawayServer({ shared_buffers: '1GB', max_wal_size: '4GB' });
const adminUrl = withDatabase(server.adminUrl, new URL(server.url).pathname.slice(1));
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  const began = performance.now();
  await fill(client, traces, Number(values.hours));
  const took = (performance.now() - began) / 1000;
  await sizes(client);
  console.log(
    `${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)}; filled in ${took.toFixed(0)} s\n`,
  );
  const serving = await serve();
  const figures: Record<string, unknown>[] = [];
  const cpuMs = () => 1_000 * (cpuOf(server.pid, true) + cpuOf(serving.pid));
  console.log(
    `${'cpu'.padStart(8)} ${'p50'.padStart(8)} ${'p95'.padStart(8)} ${'limit'.padStart(7)} ${'plain'.padStart(9)}  what`,
  );
  for (const question of QUESTIONS) {
    const { port, path: route } = question.at ?? { port: 'port', path: `/api/v1/${question.name}` };
    const url = (round: number) =>
      `http://127.0.0.1:${serving[port]}${route}?${new URLSearchParams(question.params(round))}`;
    const times: number[] = [];
    let bytes = 0;
    let cpuBefore = 0;
    for (let round = -5; round < rounds; round++) {
      if (round === 0) cpuBefore = cpuMs();
      const start = performance.now();
      const answer = await fetch(url(Math.abs(round)));
      bytes = (await answer.arrayBuffer()).byteLength;
      if (!answer.ok) throw new Error(`${question.what}: ${answer.status}`);
      if (round >= 0) times.push(performance.now() - start);
    }
    const cpu = (cpuMs() - cpuBefore) / rounds;
    times.sort((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((share) => times[Math.floor(share * times.length)] as number) as [
      number,
      number,
    ];
    const plain = await plainMs(client, question);
    figures.push({ ...question, cpu, p50, p95, plain, bytes });
    const ms = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)}`);
    console.log(
      `${ms(cpu).padStart(8)} ${ms(p50).padStart(8)} ${ms(p95).padStart(8)} ${String(question.limitMs).padStart(7)} ${ms(plain).padStart(9)}  ${question.what}${p95 > question.limitMs ? '  ABOVE ITS LIMIT' : ''}`,
    );
    if (values.plans && question.name !== 'trace-columns' && !question.at) {
      console.log(`${' '.repeat(46)}${await shapeOf(adminUrl, question.name, question.params(1))}`);
    }
  }
  console.log(
    '\nms over HTTP, warm; plain: the same question as one statement over a connection of its own, median of three.',
  );
  if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  await serving.stop();
  await client.end();
} finally {
  await server.discard();
}

async function sizes(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`
    select (select count(*) from beacon.trace_spans) as spans,
      (select sum(pg_total_relation_size(i.inhrelid)) from pg_inherits i where i.inhparent = 'beacon.trace_spans'::regclass) as stored,
      pg_total_relation_size('beacon.span_chunk_index') as index_bytes, pg_total_relation_size('beacon.span_rollups') as rollups`);
  const { spans, stored, index_bytes: index, rollups } = rows[0];
  const each = (bytes: string) => `${(Number(bytes) / Number(spans)).toFixed(1)} B`;
  console.log(
    `${Number(spans).toLocaleString('en')} spans in traces of ${SPANS_A_TRACE}, and one of 100,000; a span ${each(stored)} with its indexes, ${each(index)} of chunk index, ${each(rollups)} of counts`,
  );
}

/** Median of the one statement of the query, milliseconds; undefined where there is none. */
async function plainMs(client: pg.Client, question: Question): Promise<number | undefined> {
  const operation = QUERIES.find(({ name }) => name === question.name);
  const times: number[] = [];
  for (let round = 1; round <= 3; round++) {
    const call = operation && explainSql(operation, question.params(round));
    if (!call) return undefined;
    const start = performance.now();
    await client.query(call.text, call.values);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[1];
}

async function serve(): Promise<{ port: number; jaegerPort: number; stop: () => Promise<void>; pid: number }> {
  const main = path.join(import.meta.dirname, '../packages/server/src/main.ts');
  const ports = ['--port', '--otlp-http-port', '--otlp-grpc-port', '--jaeger-port', '--tempo-port'].flatMap((port) => [
    port,
    '0',
  ]);
  const child = spawn(process.execPath, [main, 'serve', ...ports, '--maintain-every', '3600000'], {
    env: { ...process.env, DATABASE_URL: server.url, BEACON_TOKEN: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; port: number; jaegerPort: number };
    if (said.msg !== 'listening') continue;
    child.stdout.resume();
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return { port: said.port, jaegerPort: said.jaegerPort, stop, pid: child.pid as number };
  }
  throw new Error('The server ended before it listened.');
}
