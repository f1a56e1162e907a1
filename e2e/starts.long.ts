// Several `npm start` at the same moment on one machine: each a whole system with its own sample job done. STARTS says how many.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');
const STARTS = Number(process.env.STARTS ?? 10);

interface Summary {
  database: string;
  services: { name: string; pid: number; port: number }[];
  otlp: { http: number; grpc: number };
  jaeger: number;
  sample: { executions: unknown[] } | null;
}

test(`${STARTS} starts at once: ${STARTS} systems, each whole`, async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-starts-'));
  fs.chmodSync(root, 0o755);
  after(() => fs.rmSync(root, { recursive: true, force: true }));
  const { DATABASE_URL: _, ...env } = process.env;
  const summaries = await Promise.all(
    Array.from({ length: STARTS }, async (_, i) => {
      const child = spawn(process.execPath, [MAIN, 'start', '--json', '--dir', path.join(root, `${i}`)], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      after(() => child.kill('SIGTERM'));
      let said = '';
      let told = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (told += text));
      // All stay up until the last one is there.
      const whole = new Promise<Summary>((resolve, reject) => {
        child.stdout.setEncoding('utf8').on('data', (text) => {
          said += text;
          if (said.endsWith('}\n')) resolve(JSON.parse(said));
        });
        child.once('exit', (code) => reject(new Error(`start ${i} ended with ${code}:\n${told}`)));
      });
      return { child, summary: await whole };
    }),
  );
  const ports = summaries.flatMap(({ summary: { services, otlp, jaeger } }) => [
    ...services.map(({ port }) => port),
    otlp.http,
    otlp.grpc,
    jaeger,
  ]);
  assert.equal(new Set(ports).size, 7 * STARTS, 'no port belongs to two');
  for (const { summary } of summaries) {
    assert.deepEqual(summary.services.map(({ name }) => name).sort(), ['inference', 'router', 'runner', 'server']);
    assert.ok(summary.sample, 'its sample job is done');
    for (const { port, pid } of summary.services) {
      const health = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as { instance: string };
      assert.equal(health.instance, `${os.hostname()}:${pid}`);
    }
  }
  const databases = summaries.map(({ summary }) => new URL(summary.database).port);
  assert.equal(new Set(databases).size, STARTS, 'each has a database of its own');
  for (const { child } of summaries) child.kill('SIGTERM');
  await Promise.all(summaries.map(({ child }) => child.exitCode ?? once(child, 'exit')));
});
