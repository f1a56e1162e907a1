// One run of all seeded faults under healthy traffic: who was accused of what.
import { type FaultyProxy, faultyProxy } from '@project-beacon/testkit/proxy.ts';
import type pg from 'pg';
import { SEEDED, type Seeded, TIMEOUT_MS } from './faults.ts';
import { type Execution, runJob, type Service, send, startRunner, startService, stop, until } from './system.ts';

export interface Verdict {
  fault: string;
  expected: string;
  /** `TYPE at service` of the first cause, or `nothing`. */
  said: string;
  confidence: number;
  summary: string;
  executionId: string;
}

const MODELS = ['llama-3.2-1b', 'qwen2.5-1.5b'];
const HEALTHY = ['north', 'south', 'east', 'west'];
const CRASH = 'crash';

/** Runs every fault `rounds` times, each in a region of its own, beside `rounds` jobs of healthy traffic. */
export async function runFaults(
  client: pg.Client,
  url: string,
  rounds: number,
): Promise<{ seeded: Verdict[]; healthy: Verdict[] }> {
  const env = { DATABASE_URL: url, ENABLE_DB_TRACING: 'true' };
  const places = SEEDED.map((seeded, index) => ({ seeded, region: `fault-${String(index + 1).padStart(2, '0')}` }));
  const first = (region: string) => `${region}-first`;
  const regions = [...HEALTHY, CRASH, 'keyless', 'tripped'].concat(
    places.flatMap(({ seeded, region }) => (seeded.before ? [first(region), region] : [region])),
  );
  const inference = await startService('inference', {
    ...env,
    REGIONS: regions.map((region) => `${region}=0`).join(','),
  });
  const ports = inference.said.regions ?? {};
  const proxies = new Map<string, FaultyProxy>();
  for (const { region } of places) proxies.set(region, await faultyProxy(`postgresql://127.0.0.1:${ports[region]}/`));
  const provider = (name: string, region = name) => ({
    name,
    region,
    url: `http://127.0.0.1:${proxies.get(name)?.port ?? ports[name]}`,
    timeoutMs: name === CRASH ? 30_000 : TIMEOUT_MS,
    ...(name === 'keyless' && { apiKeyEnv: 'BENCH_KEY_THAT_IS_NOT_SET' }),
  });
  const providers = regions
    .filter((name) => !name.endsWith('-first') && name !== 'tripped')
    .flatMap((name) =>
      regions.includes(first(name)) ? [provider(first(name), name), provider(name)] : [provider(name)],
    );
  const router = await startService('router', {
    ...env,
    PROVIDERS: JSON.stringify(providers),
    CIRCUIT_FAILURES: '1000',
  });
  const nervous = await startService('router', {
    ...env,
    PROVIDERS: JSON.stringify([provider('tripped')]),
    CIRCUIT_FAILURES: '1',
  });
  const runner = await startRunner({ ...env, HYBRID_ROUTER_URL: router.url });
  // The three share a database: these two must not take up what the first has left waiting.
  const alone = { ...env, RECOVERY_INTERVAL_MS: '3600000' };
  const tripper = await startRunner({ ...alone, HYBRID_ROUTER_URL: nervous.url });
  const lost = await startRunner({ ...alone, HYBRID_ROUTER_URL: '' });
  const services: Service[] = [runner, tripper, lost, router, nervous, inference];
  const job = (at: Service, where: string[], questions: string[], models = MODELS.slice(0, 1)) =>
    runJob(at, { models, regions: where, questions });
  const question = (n: number) => `What is ${n}+${n}?`;

  // Healthy first, everywhere: who listens where, and how long things take, is known from what went well. The first
  // calls of fresh processes, and a crowd of them, are nothing usual: they are not counted, and the rest comes few at a time.
  const warm = await job(runner, HEALTHY, [question(1), question(2)]);
  await written(client, warm.length);
  await client.query('update traces set baselined_at = updated_at');
  const all = places.map(({ region }) => region);
  for (let at = 0; at < all.length; at += 6) await job(runner, all.slice(at, at + 6), [question(1)]);
  const healthy = await job(
    runner,
    HEALTHY,
    Array.from({ length: 6 }, (_, n) => question(n)),
    MODELS,
  );
  await written(client, warm.length + all.length + healthy.length);
  await client.query(`update traces set updated_at = updated_at - interval '1 minute'`);
  await client.query('select settle_baselines()');

  const faults = `${inference.url}/faults`;
  for (const { seeded, region } of places) {
    if (seeded.fault) await send(`${faults}/${region}`, 'PUT', seeded.fault);
    if (seeded.before) await send(`${faults}/${first(region)}`, 'PUT', seeded.before);
  }
  await send(`${faults}/tripped`, 'PUT', { fault: 'error_500' });

  const expected = new Map<string, { name: string; type: string; service: string }>();
  const expect = (executions: Execution[], seeded: Pick<Seeded, 'name' | 'type' | 'service'>) => {
    for (const { id } of executions) expected.set(String(id), seeded);
  };
  for (let round = 0; round < rounds; round++) {
    // Switched on each time: a proxy that waits for one answer to lose has done so after one.
    for (const { seeded, region } of places) seeded.network?.(proxies.get(region) as FaultyProxy);
    const [traffic, faulty] = await Promise.all([
      job(
        runner,
        HEALTHY,
        Array.from({ length: 5 }, (_, n) => question(10 * round + n)),
        MODELS,
      ),
      job(
        runner,
        places.map(({ region }) => region),
        [question(round + 2)],
      ),
    ]);
    healthy.push(...traffic);
    for (const { seeded, region } of places)
      expect(
        faulty.filter((one) => one.region === region),
        seeded,
      );
    expect(await job(lost, ['north'], [question(round)]), {
      name: 'no router set',
      type: 'CONFIGURATION_ERROR',
      service: 'runner',
    });
    expect(await job(runner, ['keyless'], [question(round)]), {
      name: 'no key set',
      type: 'CONFIGURATION_ERROR',
      service: 'router',
    });
  }
  await job(tripper, ['tripped'], [question(1)]);
  expect(await job(tripper, ['tripped'], [question(2)]), {
    name: 'circuit open',
    type: 'CIRCUIT_OPEN',
    service: 'router',
  });

  await send(`${faults}/${CRASH}`, 'PUT', { fault: 'crash', delayMs: 3000 });
  expect(await job(runner, [CRASH], [question(1)]), { name: 'crash', type: 'PROCESS_LOST', service: 'inference' });
  await stop(services);
  for (const proxy of proxies.values()) await proxy.close();
  await until('every root is written', async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from trace_spans where operation = 'execution.run' and status <> 'started'`,
    );
    return rows[0].n >= expected.size + healthy.length + warm.length + all.length + 1;
  });
  // Half a minute after the last heartbeat of the process that died, as the clock of a test says.
  await client.query(`select set_config('beacon.clock', (now() + interval '31 seconds')::text, false)`);
  await client.query('select mark_lost()');

  const seeded: Verdict[] = [];
  for (const [id, { name, type, service }] of expected)
    seeded.push(await verdict(client, id, name, `${type} at ${service}`));
  const accused: Verdict[] = [];
  for (const { id } of healthy) accused.push(await verdict(client, String(id), 'healthy', 'nothing'));
  return { seeded, healthy: accused };
}

/** Until so many traces stand there with spans of all three services: each process writes on its own. */
async function written(client: pg.Client, executions: number): Promise<void> {
  await until('the healthy traces are written', async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from traces where open_count = 0 and root_operation is not null and span_count >= 7
         and services @> array['runner', 'router', 'inference']`,
    );
    return rows[0].n >= executions;
  });
}

export async function verdict(
  client: pg.Client,
  executionId: string,
  fault: string,
  expected: string,
): Promise<Verdict> {
  const { rows } = await client.query(
    `select type, service, confidence, summary from identify_root_cause($1) where rank = 1 and role = 'cause'`,
    [executionId],
  );
  const [best] = rows;
  return {
    fault,
    expected,
    said: best ? `${best.type} at ${best.service}` : 'nothing',
    confidence: best?.confidence ?? 0,
    summary: best?.summary ?? '',
    executionId,
  };
}
