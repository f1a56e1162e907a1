// What spans take in trace_spans, in the archive and as Parquet, how fast they get there, and how fast they are found, with the
// requests of both benches and with the recordings. One day, three days ago.
// Run: npm run bench:archive [-- --spans 200000,10000000] [--data traffic,requests,recordings] [--json FILE]
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { exportDay } from '@project-beacon/server/maintenance/days.ts';
import { archiveStep } from '@project-beacon/server/maintenance/loop.ts';
import { startOtlp } from '@project-beacon/server/receivers/start.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { RECORDINGS, readStacks } from '../world/recording/stack.ts';
import { moved, send } from '../world/replaying/replay.ts';
import { Requests } from './ingest/requests.ts';
import { serve } from './query/serving.ts';
import { SPANS_A_TRACE, traffic } from './query/traffic.ts';

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '200000' },
    data: { type: 'string', default: 'traffic,requests,recordings' },
    rounds: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
const DAY_MS = 86_400_000;
const day = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS);
const date = day.toISOString().slice(0, 10);
const noon = day.getTime() + DAY_MS / 2;
const TABLES = ['archive_chunks', 'archive_columns', 'archive_index'];

type Data = 'traffic' | 'requests' | 'recordings';
const results: Record<string, unknown>[] = [];
for (const spans of values.spans.split(',').map(Number)) {
  for (const data of values.data.split(',') as Data[]) await measure(data, spans);
}
if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);

async function measure(data: Data, wanted: number): Promise<void> {
  const server = await throwawayServer({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_wal_size: '4GB',
    shared_buffers: '256MB',
  });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-bench-'));
  const pool = new pg.Pool({ connectionString: server.url, max: 2 });
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    await migrateUp(client, [readSet('beacon', SQL_DIR)]);
    await client.query('select beacon.ensure_partition($1::date)', [date]);
    await fill(pool, server.url, data, wanted);
    await client.query('vacuum analyze beacon.trace_spans');
    const number = async (sql: string) => Number(Object.values((await client.query(sql)).rows[0])[0]);
    const spans = await number('select count(*) from beacon.trace_spans');
    const size = (table: string) => number(`select pg_total_relation_size('beacon.${table}')`);
    const before = await size(`trace_spans_${date.replaceAll('-', '')}`);
    const summaries = await size('traces');
    const archiving = (days: string) =>
      client.query(
        `insert into beacon.settings (name, value) values ('archive_after_days', $1)
        on conflict (name) do update set value = excluded.value`,
        [days],
      );
    // Not by the server that is asked, and not yet.
    await archiving('off');
    const serving = await serve(server.url, ['--maintain-every', '3600000']);
    const ids = (
      await client.query('select t.trace_id from beacon.traces t order by md5(t.trace_id::text) limit 30')
    ).rows.map(({ trace_id }) => trace_id as string);
    const asked = () => ask(`http://127.0.0.1:${serving.ports.api}/api/v1`, ids);
    const live = await asked();
    await archiving('2');
    const started = performance.now();
    while ((await archiveStep(pool)).more === true);
    const seconds = (performance.now() - started) / 1_000;
    await client.query(`vacuum analyze ${TABLES.map((table) => `beacon.${table}`).join(', ')}`);
    const archived = await number('select beacon.archive_bytes()');
    const kept = await number('select count(*) from beacon.trace_spans');
    const found = await asked();
    const exporting = performance.now();
    const { files, spans: exported } = await exportDay(client, folder, date);
    const exportSeconds = (performance.now() - exporting) / 1_000;
    const parquet = files.reduce((sum, file) => sum + file.bytes, 0);
    await serving.stop();
    if (exported !== spans) throw new Error(`${exported} of ${spans} spans were exported.`);
    const a = (bytes: number, n = spans) => `${(bytes / n).toFixed(1)} B`;
    const rate = (s: number) => `${Math.round((spans - kept) / s).toLocaleString('en')} spans/s`;
    console.log(
      `\n${data}: ${spans.toLocaleString('en')} spans; ${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)}
  a span in trace_spans ${a(before)}, in the archive ${a(archived, spans - kept)}, as Parquet ${a(parquet)}; summary of its trace ${a(summaries)}
  archived at ${rate(seconds)}, exported at ${rate(exportSeconds)}`,
    );
    for (const [question, times] of Object.entries(live)) {
      console.log(
        `  ${question.padEnd(18)} p95 ${times.toFixed(1)} ms in trace_spans, ${found[question]!.toFixed(1)} ms in the archive`,
      );
    }
    results.push({ data, spans, kept, before, archived, parquet, summaries, seconds, exportSeconds, live, found });
  } finally {
    await client.end();
    await pool.end();
    await server.discard();
    fs.rmSync(folder, { recursive: true });
  }
}

/** p95 of each question, milliseconds. */
async function ask(url: string, ids: string[]): Promise<Record<string, number>> {
  const range = `from=${date}T00:00:00Z&to=${date}T23:59:59Z`;
  const questions: Record<string, (n: number) => string> = {
    'trace by id': (n) => `waterfall?trace_id=${ids[n % ids.length]}`,
    'rare attribute': () => `search?${range}&q=${encodeURIComponent('rare=needle')}`,
    'newest 20': () => `search?${range}`,
  };
  const found: Record<string, number> = {};
  for (const [name, path] of Object.entries(questions)) {
    const times: number[] = [];
    for (let n = 0; n <= Number(values.rounds); n++) {
      const started = performance.now();
      const response = await fetch(`${url}/${path(n)}`);
      await response.text();
      if (!response.ok) throw new Error(`${path(n)}: ${response.status}`);
      if (n > 0) times.push(performance.now() - started);
    }
    times.sort((x, y) => x - y);
    found[name] = times[Math.ceil(times.length * 0.95) - 1]!;
  }
  return found;
}

async function fill(pool: pg.Pool, url: string, data: Data, spans: number): Promise<void> {
  const free = { port: 0, strict: true };
  const otlp = await startOtlp(pool, { connectionString: url, httpPort: free, grpcPort: free, warn: console.error });
  const target = `http://127.0.0.1:${otlp.ports.httpPort}`;
  const post = async (body: Buffer) => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const response = await fetch(`${target}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(body) });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  if (data === 'traffic') {
    for (const { body } of traffic(Math.round(spans / SPANS_A_TRACE), 'time', noon)) await post(body);
  } else if (data === 'requests') {
    const requests = new Requests('protobuf', 512, noon);
    for (let n = 0; n < spans / 512; n++) await post(requests.make(n));
  } else {
    const files = readStacks().flatMap(({ name, failures }) =>
      failures.map(({ id }) => path.join(RECORDINGS, name, `${id}.json`)).filter((file) => fs.existsSync(file)),
    );
    const recordings = files.map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
    for (let n = 0, sent = 0; sent < spans; ) {
      const some = recordings.map((recording) => moved(recording, noon - DAY_MS / 4 + 500 * n, ++n));
      sent += some.reduce((sum, { body }) => sum + JSON.stringify(body.traces).split('"spanId"').length - 1, 0);
      for (const one of some) await send(target, [one]);
    }
  }
  await otlp.stop();
}
