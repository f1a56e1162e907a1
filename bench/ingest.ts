// Beacon's ingest beside raw COPY of the same rows into the same tables. Run: npm run bench:ingest [-- --json FILE]
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Decoder } from '@project-beacon/server/receivers/decode.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer, withDatabase } from '@project-beacon/testkit';
import { COLUMNS, Redactor } from '@project-beacon/writer';
import pg from 'pg';
import { cpuOf, cpuOfAll, peakMemoryOf } from './ingest/processes.ts';
import { Requests } from './ingest/requests.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    spans: { type: 'string', default: '400000' },
    batch: { type: 'string', default: '512' },
    clients: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    overload: { type: 'string', default: '120' },
    ports: { type: 'string', default: 'protobuf,json,grpc' },
  },
});
const RECEIVERS: Record<string, string> = { protobuf: 'OTLP/HTTP protobuf', json: 'OTLP/HTTP JSON', grpc: 'OTLP/gRPC' };
const [firstReceiver = 'protobuf'] = values.ports.split(',');
const batch = Number(values.batch);
const count = Math.ceil(Number(values.spans) / batch);
const at = Date.now();

interface Figure {
  what: string;
  spansPerSecond: number;
  serverCpu: number;
  postgresCpu: number;
  /** Of processes that are neither ours nor the database's: a figure taken beside them says little. */
  othersCpu: number;
  memoryMb: number;
  p50: number;
  p99: number;
}

// As durable as a PostgreSQL that was installed and left alone.
const postgres = await throwawayServer({
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_wal_size: '4GB',
  shared_buffers: '256MB',
});
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-bench-'));
fs.chmodSync(dir, 0o755);
const admin = new pg.Client({
  connectionString: withDatabase(postgres.adminUrl, new URL(postgres.url).pathname.slice(1)),
});
const figures: Figure[] = [];
try {
  const owner = new pg.Client({ connectionString: postgres.url });
  await owner.connect();
  await migrateUp(owner, [readSet('beacon', SQL_DIR)]);
  await owner.end();
  await admin.connect();
  const file = path.join(dir, 'spans.copy');
  writeRows(file);
  const settings = (
    await admin.query(
      `select string_agg(name || '=' || setting, ', ') as s from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers')`,
    )
  ).rows[0].s;
  console.log(
    `${os.cpus().length} cores (${os.cpus()[0]!.model}), ${(count * batch).toLocaleString('en')} spans of 10 attributes, ${batch} a request, ${values.clients} clients; ${settings}\n`,
  );
  for (let round = 0; round < Number(values.rounds); round++) {
    await copy(file);
    for (const receiver of values.ports.split(',')) await ingest(receiver);
  }
  table();
  if (Number(values.overload) > 0) await overload(Number(values.overload));
  if (values.json) fs.writeFileSync(values.json, `${JSON.stringify({ at, figures }, null, 2)}\n`);
} finally {
  await admin.end();
  await postgres.discard();
  fs.rmSync(dir, { recursive: true, force: true });
}

/** The rows that the requests become, as a file for COPY. */
function writeRows(file: string): void {
  const requests = new Requests('protobuf', batch, at);
  const decoder = new Decoder(new Redactor());
  const out = fs.openSync(file, 'w');
  for (let n = 0; n < count; n++) {
    for (const chunk of decoder.decode(requests.make(n)).batch.chunks()) fs.writeSync(out, chunk);
  }
  fs.closeSync(out);
}

async function clear(): Promise<void> {
  await admin.query('truncate beacon.trace_spans, beacon.traces, beacon.trace_executions');
  await admin.query('checkpoint');
}

async function copy(file: string): Promise<void> {
  await clear();
  const cpu = cpuOf(postgres.pid, true);
  const all = cpuOfAll();
  const started = performance.now();
  await admin.query(`copy beacon.trace_spans (${COLUMNS.join()}) from '${file}'`);
  const seconds = (performance.now() - started) / 1_000;
  const postgresCpu = (cpuOf(postgres.pid, true) - cpu) / seconds;
  note({
    what: 'raw COPY from a file',
    spansPerSecond: (count * batch) / seconds,
    serverCpu: 0,
    postgresCpu,
    othersCpu: (cpuOfAll() - all) / seconds - postgresCpu,
    memoryMb: 0,
    p50: 0,
    p99: 0,
  });
}

async function ingest(receiver: string): Promise<void> {
  await clear();
  const server = await startServer();
  const run = (from: number, requests: number) =>
    clients(server, { receiver, from, count: requests, rate: 0, clients: Number(values.clients) });
  // The compiler of the runtime is warm in a server that runs.
  await run(1_000_000, 200);
  await clear();
  const before = { server: cpuOf(server.pid), postgres: cpuOf(postgres.pid, true), all: cpuOfAll() };
  const { seconds, answers, p50, p99, cpuSeconds } = await run(0, count);
  const serverCpu = (cpuOf(server.pid) - before.server) / seconds;
  const postgresCpu = (cpuOf(postgres.pid, true) - before.postgres) / seconds;
  const othersCpu = (cpuOfAll() - before.all - cpuSeconds) / seconds - serverCpu - postgresCpu;
  const stored = Number((await admin.query('select count(*) as n from beacon.trace_spans')).rows[0].n);
  if (answers.ok !== count || stored !== count * batch)
    throw new Error(`${receiver}: ${JSON.stringify(answers)}, ${stored} rows`);
  note({
    what: RECEIVERS[receiver]!,
    spansPerSecond: stored / seconds,
    serverCpu,
    postgresCpu,
    othersCpu,
    memoryMb: peakMemoryOf(server.pid),
    p50,
    p99,
  });
  await server.stop();
}

function note(figure: Figure): void {
  figures.push(figure);
  const { what, spansPerSecond, othersCpu } = figure;
  const perSecond = Math.round(spansPerSecond).toLocaleString('en');
  console.error(`  ${what}: ${perSecond} spans/s (${othersCpu.toFixed(2)} CPU used by others)`);
}

function table(): void {
  const names = [...new Set(figures.map(({ what }) => what))];
  const best = (what: string) =>
    figures.filter((figure) => figure.what === what).sort((a, b) => b.spansPerSecond - a.spansPerSecond)[0]!;
  const limit = best(names[0]!).spansPerSecond;
  console.log(`Best of ${values.rounds} rounds, taken in turn\n`);
  console.log(
    `${''.padEnd(22)} ${'spans/s'.padStart(9)} ${'of COPY'.padStart(8)} ${'CPU server'.padStart(11)} ${'CPU postgres'.padStart(13)} ${'CPU others'.padStart(11)} ${'peak MB'.padStart(8)} ${'ack p50'.padStart(9)} ${'ack p99'.padStart(9)}`,
  );
  for (const name of names) {
    const { spansPerSecond, serverCpu, postgresCpu, othersCpu, memoryMb, p50, p99 } = best(name);
    const isLimit = memoryMb === 0;
    console.log(
      `${name.padEnd(22)} ${Math.round(spansPerSecond).toLocaleString('en').padStart(9)} ${(spansPerSecond / limit).toFixed(2).padStart(8)} ${(isLimit ? '' : serverCpu.toFixed(2)).padStart(11)} ${postgresCpu.toFixed(2).padStart(13)} ${othersCpu.toFixed(2).padStart(11)} ${(isLimit ? '' : memoryMb.toFixed(0)).padStart(8)} ${(isLimit ? '' : `${p50.toFixed(0)} ms`).padStart(9)} ${(isLimit ? '' : `${p99.toFixed(0)} ms`).padStart(9)}`,
    );
  }
}

/** Twice what it took before over the first receiver, for a while: what is acknowledged is stored, and the rest is counted. */
async function overload(seconds: number): Promise<void> {
  const took = Math.max(
    ...figures.filter(({ what }) => what === RECEIVERS[firstReceiver]).map(({ spansPerSecond }) => spansPerSecond),
  );
  if (!Number.isFinite(took)) return;
  await clear();
  const server = await startServer();
  const rate = (2 * took) / batch;
  console.log(
    `\nTwice that load, ${Math.round(2 * took).toLocaleString('en')} spans/s over ${RECEIVERS[firstReceiver]} from 512 clients that do not wait, for ${seconds} s`,
  );
  const { answers, p50, p99 } = await clients(server, {
    receiver: firstReceiver,
    from: 0,
    count: Math.round(rate * seconds),
    rate,
    clients: 512,
  });
  const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  const refused = [...metrics.matchAll(/requests_refused_total\{.*?\} (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  const stored = Number((await admin.query('select count(*) as n from beacon.trace_spans')).rows[0].n);
  const acknowledged = (answers.ok ?? 0) * batch;
  const told = (answers['429'] ?? 0) + (answers['503'] ?? 0) + (answers['grpc 8'] ?? 0);
  console.log(`answers ${JSON.stringify(answers)}; ack p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
  console.log(
    `acknowledged ${acknowledged.toLocaleString('en')} spans, stored ${stored.toLocaleString('en')}; requests refused ${told}, counted ${refused}; peak memory ${peakMemoryOf(server.pid).toFixed(0)} MB (limit 300)`,
  );
  await server.stop();
  if (stored < acknowledged) throw new Error('acknowledged spans are missing');
  if (refused < told) throw new Error('refused requests were not counted');
}

interface Server {
  pid: number;
  httpPort: number;
  grpcPort: number;
  stop(): Promise<void>;
}

async function startServer(): Promise<Server> {
  const main = path.join(import.meta.dirname, '../packages/server/src/main.ts');
  const ports = ['--port', '0', '--otlp-http-port', '0', '--otlp-grpc-port', '0', '--maintain-every', '3600000'];
  const child = spawn(process.execPath, [main, 'serve', ...ports], {
    env: { ...process.env, DATABASE_URL: postgres.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; otlpHttpPort: number; otlpGrpcPort: number };
    if (said.msg !== 'listening') continue;
    child.stdout.resume();
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return { pid: child.pid!, httpPort: said.otlpHttpPort, grpcPort: said.otlpGrpcPort, stop };
  }
  throw new Error('the server ended before it listened');
}

interface Sent {
  seconds: number;
  /** Of the clients themselves. */
  cpuSeconds: number;
  answers: Record<string, number>;
  p50: number;
  p99: number;
}

function clients(server: Server, what: object): Promise<Sent> {
  const options = { ...what, spans: batch, at, httpPort: server.httpPort, grpcPort: server.grpcPort };
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'ingest/client.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`clients ended with ${code}`)),
    );
  });
}
