// Mixed honest and hostile load on `beacon serve` for SOAK_MINUTES: what honest clients had acknowledged is there, once; memory
// stays flat and small; the server answers meanwhile. Each bomb alone first. SOAK_REPORT prints what each one took. Time is that of
// the server's processor: the machine's may be busy with other things.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { protobuf } from '../../packages/server/test/receivers/bodies.ts';
import { span, text } from '../../packages/server/test/receivers/spans.ts';
import { type Beacon, startBeacon } from '../beacon.ts';
import { BOMBS as ALL } from './bombs.ts';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 30);
/** SOAK_BOMBS=grpc: those whose names match. */
const BOMBS = ALL.filter(({ name }) => new RegExp(process.env.SOAK_BOMBS ?? '', 'i').test(name));
const MAX_BYTES = 300 * 1024 * 1024;
const MAX_HEALTH_MS = 1_000;
const SPANS_A_REQUEST = 20;

const database = await testDatabase();
const beacon = await startBeacon(database.url);

interface Window {
  healthMs: number;
  workedMs: number;
  failed: number;
  bytes: number;
}

/** What was seen since it was last asked. */
class Watch {
  #seen: Window = { healthMs: 0, workedMs: 0, failed: 0, bytes: 0 };

  constructor(server: Beacon) {
    const probe = new Worker(path.join(import.meta.dirname, 'probe.ts'), {
      workerData: { url: server.apiUrl, pid: server.child.pid },
    });
    after(() => probe.terminate());
    probe.on('message', ({ ok, ms, worked }: { ok: boolean; ms: number; worked: number }) => {
      this.#seen.healthMs = Math.max(this.#seen.healthMs, ms);
      this.#seen.workedMs = Math.max(this.#seen.workedMs, worked);
      if (!ok) this.#seen.failed++;
    });
    const timer = setInterval(() => {
      this.#seen.bytes = Math.max(this.#seen.bytes, residentBytes(server.child.pid!));
    }, 20);
    after(() => clearInterval(timer));
  }

  take(): Window {
    const seen = this.#seen;
    this.#seen = { healthMs: 0, workedMs: 0, failed: 0, bytes: 0 };
    return seen;
  }
}

function residentBytes(pid: number): number {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

const watch = new Watch(beacon);
const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
const say = (line: string) => process.env.SOAK_REPORT && console.error(line);

function holds(name: string, seen: Window): string[] {
  say(
    `${name}: health ${Math.round(seen.healthMs)} ms (of which the server worked ${seen.workedMs}), ${mib(seen.bytes)} MiB`,
  );
  const problems: string[] = [];
  if (seen.failed > 0) problems.push(`${name}: /health failed ${seen.failed} times`);
  if (seen.workedMs > MAX_HEALTH_MS)
    problems.push(`${name}: the server worked ${seen.workedMs} ms before it answered /health`);
  if (seen.bytes > MAX_BYTES) problems.push(`${name}: ${mib(seen.bytes)} MiB`);
  return problems;
}

test('each bomb alone', { timeout: 1_800_000 }, async () => {
  await until('the server has started', async () => (await fetch(`${beacon.apiUrl}/health`)).ok);
  await delay(5_000);
  watch.take();
  const problems: string[] = [];
  for (const bomb of BOMBS) {
    await bomb.go(beacon);
    await delay(200);
    problems.push(...holds(bomb.name, watch.take()));
  }
  assert.deepEqual(problems, []);
});

/** Sends until `stop`, as an exporter that waits for its answer and sends again what was refused; what it had acknowledged. */
async function honest(stop: AbortSignal): Promise<string[]> {
  const acknowledged: string[] = [];
  while (!stop.aborted) {
    const traceId = randomBytes(16).toString('hex');
    const spans = Array.from({ length: SPANS_A_REQUEST }, (_, i) =>
      span({ traceId, attributes: [text('n', `${i}`), text('http.route', '/pay')] }),
    );
    const body = new Uint8Array(protobuf(spans));
    for (let attempt = 0; attempt < 200; attempt++) {
      const status = await fetch(`http://127.0.0.1:${beacon.httpPort}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body,
      }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status;
        },
        () => 0,
      );
      if (status === 200) {
        acknowledged.push(traceId);
        break;
      }
      await delay(100);
    }
    await delay(20);
  }
  return acknowledged;
}

test(`${MINUTES} minutes of honest and hostile load`, { timeout: MINUTES * 60_000 + 600_000 }, async () => {
  const end = AbortSignal.timeout(MINUTES * 60_000);
  const clients = [honest(end), honest(end), honest(end)];
  const problems: string[] = [];
  const peaks: number[] = [];
  watch.take();
  for (let i = 0; !end.aborted; i++) {
    const bomb = BOMBS[i % BOMBS.length]!;
    await bomb.go(beacon);
    const seen = watch.take();
    peaks.push(seen.bytes);
    problems.push(...holds(`under load, ${bomb.name}`, seen));
  }
  const acknowledged = (await Promise.all(clients)).flat();
  say(`${acknowledged.length * SPANS_A_REQUEST} spans acknowledged, ${peaks.length} bombs`);
  assert.ok(acknowledged.length > 100, `${acknowledged.length}`);
  const { rows } = await database.client.query(
    `select count(*)::integer as traces, coalesce(sum(n), 0)::integer as spans, coalesce(max(n), 0)::integer as most
    from (select count(*) as n from beacon.trace_spans where trace_id = any ($1::uuid[]) group by trace_id) t`,
    [acknowledged],
  );
  const spans = acknowledged.length * SPANS_A_REQUEST;
  assert.deepEqual(rows, [{ traces: acknowledged.length, spans, most: SPANS_A_REQUEST }]);
  // Flat: the last fifth takes no more than the first one, but for what chance does.
  const fifth = Math.ceil(peaks.length / 5);
  const [first, last] = [peaks.slice(0, fifth), peaks.slice(-fifth)].map((list) => Math.max(...list)) as [
    number,
    number,
  ];
  if (peaks.length >= 2 * BOMBS.length) assert.ok(last < 1.25 * first, `${mib(first)} MiB became ${mib(last)} MiB`);
  assert.deepEqual(problems, []);
});
