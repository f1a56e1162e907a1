// Faults that are planted in real processes and databases, and the doctor asked about them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { type App, ask, judge, kill, startApp, work, workDatabase } from './app.ts';

export const WITHIN_MS = 10_000;

export interface Seed {
  title: string;
  fault: string;
  env?: (url: string) => Record<string, string> | Promise<Record<string, string>>;
  /** On the database, as superuser, before the service starts. */
  sql?: string;
  /** The program; by default app.mjs. */
  program?: string;
  work?: number;
  headers?: Record<string, string>;
  evidence?: RegExp;
}

// Each is a program that runs: `npm test` seeds every third, `npm run test:wild` and `npm run bench:doctor` seed them all.
export function seeded(seeds: Seed[], share = 3): void {
  const some = process.env.DOCTOR_SEEDS === 'all' ? seeds : seeds.filter((_, n) => n % share === 0);
  for (const seed of some) judged(seed);
}

function judged({ title, fault, env, sql, program, work: times = 0, headers, evidence }: Seed): void {
  test(`${title}: ${fault}, and nothing else is accused`, async (t) => {
    const database = await workDatabase();
    if (sql) await asAdmin(database.adminUrl, sql, database.url);
    const app = await startApp({ DATABASE_URL: database.url, ...(await env?.(database.url)) }, program);
    // What ran before the tracer's first heartbeat counts as older than tracing.
    if (['CODE_NOT_ENTERED', 'ESM_WITHOUT_IMPORT', 'LOADED_TOO_LATE'].includes(fault)) await settled(app, fault);
    await work(app, times, headers);
    await settled(app, fault);
    const began = performance.now();
    const diagnosis = await ask(database.url, [app]);
    const took = performance.now() - began;
    assert.equal(judge(t, fault, diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
    assert.equal(diagnosis.verdict, 'fault');
    assert.ok(diagnosis.faults[0]?.fix && diagnosis.faults[0]?.evidence);
    if (evidence) assert.match(JSON.stringify(diagnosis.faults), evidence);
    assert.ok(took < WITHIN_MS, `${took} ms`);
    assert.ok(!JSON.stringify(diagnosis).includes(new URL(database.url).password), 'no secret');
    await kill(app);
  });
}

/** The state the doctor should meet: heartbeats and failed flushes take a moment. */
const NO_WRITER = ['TRACER_NOT_CONSTRUCTED', 'FLAG_OFF', 'FLAG_NOT_UNDERSTOOD', 'BAD_CONNECTION_STRING'];

export async function settled({ url }: App, fault: string): Promise<void> {
  if (NO_WRITER.includes(fault)) return;
  await until('a heartbeat, or an error', async () => {
    const health = (await (await fetch(`${url}/health/tracing`)).json()) as Record<string, unknown>;
    return health.lastHeartbeatAt !== null || health.lastError !== null;
  });
}

export async function asAdmin(adminUrl: string, sql: string, ownerUrl: string): Promise<void> {
  const owner = new URL(ownerUrl);
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  const words = { OWNER: owner.username, PASSWORD: owner.password, DB: owner.pathname.slice(1) };
  await client.query(sql.replace(/OWNER|PASSWORD|DB(?=_|\b)/g, (word) => words[word as keyof typeof words]));
  await client.end();
}
