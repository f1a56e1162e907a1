// A region that goes down while others work: as many failures as executions, and one cause.
import type pg from 'pg';
import { TIMEOUT_MS } from './faults.ts';
import { type Verdict, verdict } from './run.ts';
import { runJob, send, startRunner, startService, stop, until } from './system.ts';

const REGIONS = ['north', 'south', 'down'];
const MODELS = ['llama-3.2-1b', 'qwen2.5-1.5b'];
const QUESTIONS = ['What is 1+1?', 'What is 2+3?', 'What is 3*4?'];

/** Runs one job over three regions, one of which refuses connections. */
export async function runOutage(client: pg.Client, url: string): Promise<{ seeded: Verdict[]; healthy: Verdict[] }> {
  const env = { DATABASE_URL: url, ENABLE_DB_TRACING: 'true' };
  const inference = await startService('inference', {
    ...env,
    REGIONS: REGIONS.map((region) => `${region}=0`).join(','),
  });
  const providers = Object.entries(inference.said.regions ?? {}).map(([region, port]) => ({
    name: region,
    region,
    url: `http://127.0.0.1:${port}`,
    timeoutMs: TIMEOUT_MS,
  }));
  const router = await startService('router', {
    ...env,
    PROVIDERS: JSON.stringify(providers),
    CIRCUIT_FAILURES: '1000',
  });
  const runner = await startRunner({ ...env, HYBRID_ROUTER_URL: router.url });
  await send(`${inference.url}/faults/down`, 'PUT', { fault: 'refuse' });
  const executions = await runJob(runner, { models: MODELS, regions: REGIONS, questions: QUESTIONS });
  await stop([runner, router, inference]);
  await until('every root is written', async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from trace_spans where operation = 'execution.run' and status <> 'started'`,
    );
    return rows[0].n >= executions.length;
  });
  const seeded: Verdict[] = [];
  const healthy: Verdict[] = [];
  for (const { id, region } of executions) {
    if (region === 'down') seeded.push(await verdict(client, String(id), 'region down', 'REGION_OUTAGE at inference'));
    else healthy.push(await verdict(client, String(id), 'healthy', 'nothing'));
  }
  return { seeded, healthy };
}
