// Every fault the simulated provider can show, through real processes, ends in the right root cause. One region a
// fault: all of them happen in one job, and each test looks at its own execution.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Execution, eventually, runJob, System, startRunner, systemDatabase } from './system.ts';

interface Case {
  fault: string;
  delayMs?: number;
  /** How the execution ends. Default: failed. */
  status?: 'completed';
  type: string;
  service?: string;
  /** What the summary has to say, beside type and service. */
  summary: RegExp;
  /** Spans that stay open, because their process hangs. */
  open?: number;
}

const CASES: Case[] = [
  { fault: 'refuse', type: 'CONNECTION_FAILURE', summary: /router could not reach inference: .*ECONNREFUSED/ },
  { fault: 'hang', type: 'SERVICE_TIMEOUT', summary: /had taken the request and never answered/, open: 1 },
  { fault: 'slow', delayMs: 4200, type: 'SERVICE_TIMEOUT', summary: /inference went on for another \d+ ms/ },
  { fault: 'rate_limit', type: 'RATE_LIMITED', summary: /HTTP 429/ },
  { fault: 'error_500', type: 'PROVIDER_EXECUTION_FAILURE', summary: /inference failed while executing/ },
  { fault: 'out_of_memory', type: 'RESOURCE_EXHAUSTED', summary: /Out of GPU memory/ },
  { fault: 'wrong_key', type: 'AUTH_FAILURE', summary: /HTTP 401/ },
  { fault: 'unknown_model', type: 'MODEL_UNAVAILABLE', summary: /llama-3\.2-1b/ },
  { fault: 'empty_output', type: 'EMPTY_OUTPUT', summary: /without a word/ },
  { fault: 'malformed_body', type: 'PROVIDER_EXECUTION_FAILURE', summary: /not valid JSON/ },
  { fault: 'cut', type: 'CONNECTION_FAILURE', summary: /was cut while the answer was under way/ },
  { fault: 'cold_start', delayMs: 600, status: 'completed', type: 'COLD_START', summary: /cold start \(model\.load\)/ },
];

const region = (fault: string) => fault.replaceAll('_', '-');
const database = await systemDatabase();
const { client } = database;
const system = await System.start(database, {
  regions: [...CASES.map(({ fault }) => region(fault)), 'crash'],
  providerTimeoutMs: 3200,
  runner: { MAX_ATTEMPTS: '1' },
});

const regions = CASES.map(({ fault }) => region(fault));
// Healthy first: who listens where is known from traces in which there was an answer. The first calls of fresh processes
// take as long as the machine lets them, so the second round is the one that has to be healthy.
await system.run(regions, ['What is 1+1?']);
const healthy = await system.run(regions, ['What is 2+2?']);
for (const { fault, delayMs } of CASES) await system.fault(region(fault), { fault, ...(delayMs && { delayMs }) });
const faulty = await system.run(regions, ['What is 7*6?']);

/** The first row of identify_root_cause once the trace is there, with `open` spans left open. */
async function rootCause(executionId: number, open = 0) {
  await eventually(`the trace of execution ${executionId} is written`, async () => {
    const { rows } = await client.query(
      `select root_operation, open_count from traces t join trace_executions e using (trace_id) where e.execution_id = $1`,
      [executionId],
    );
    return rows[0]?.root_operation === 'execution.run' && rows[0].open_count === open;
  });
  const { rows } = await client.query(`select * from identify_root_cause($1) where rank = 1 and role = 'cause'`, [
    executionId,
  ]);
  return rows[0];
}

for (const { fault, status, type, service, summary, open } of CASES) {
  test(`${fault} is ${type} of ${service ?? 'inference'}`, async () => {
    const execution = faulty.find((one) => one.region === region(fault)) as Execution;
    assert.equal(execution.status, status ?? 'failed');
    const cause = await rootCause(execution.id, open);
    assert.deepEqual([cause?.type, cause?.service], [type, service ?? 'inference'], cause?.summary);
    assert.match(cause.summary, summary);
    assert.equal(cause.role, 'cause');
    assert.ok(cause.span_ids.length > 0);
  });
}

test('executions that went well have no root cause', async () => {
  for (const { id, status } of healthy) {
    assert.equal(status, 'completed');
    const cause = await rootCause(id);
    // An answer that takes a tenth of a second and took ten times that stood still with its machine: to say so is right.
    const stalled = cause?.type === 'PERFORMANCE_DEGRADATION' && cause.evidence.duration_ms > 1000;
    if (!stalled) assert.equal(cause, undefined);
  }
});

test('crash is PROCESS_LOST of inference', async () => {
  await system.fault('crash', { fault: 'crash', delayMs: 2500 });
  const gone = once(system.inference.child, 'exit');
  const [execution] = await system.run(['crash'], ['What is 2+2?']);
  assert.deepEqual(await gone, [null, 'SIGKILL']);
  assert.equal(execution?.status, 'failed');
  await eventually('the caller has been written', async () => {
    const { rows } = await client.query(
      `select from trace_spans where execution_id = $1 and operation = 'execution.run' and status = 'failed'`,
      [execution?.id],
    );
    return rows.length === 1;
  });
  // Half a minute after its last heartbeat, as the clock of a test says.
  await client.query(
    `select set_config('beacon.clock', (heartbeat_at + interval '31 seconds')::text, false) from tracers
     where service = 'inference'`,
  );
  await client.query('select mark_lost()');
  const { rows } = await client.query('select * from identify_root_cause($1) where rank = 1', [execution?.id]);
  assert.deepEqual(
    [rows[0]?.type, rows[0]?.service, rows[0]?.operation],
    ['PROCESS_LOST', 'inference', 'model.generate'],
  );
});

test('a runner that does not know its router is CONFIGURATION_ERROR, naming the setting', async () => {
  const own = await systemDatabase();
  const runner = await startRunner(own, { ENABLE_DB_TRACING: 'true', HYBRID_ROUTER_URL: '' });
  const executions = await runJob(runner.url, ['us-east', 'eu-west'], ['q1', 'q2']);
  runner.child.kill('SIGTERM');
  await once(runner.child, 'exit');
  for (const execution of executions) {
    assert.deepEqual([execution.status, execution.attempt, execution.output_data], ['failed', 1, null]);
    const { rows } = await own.client.query('select * from identify_root_cause($1)', [execution.id]);
    assert.deepEqual([rows[0].type, rows[0].service], ['CONFIGURATION_ERROR', 'runner']);
    assert.match(rows[0].summary, /HYBRID_ROUTER_URL is not set/);
    assert.equal(rows[0].evidence.missing_setting, 'HYBRID_ROUTER_URL');
  }
  const { rows: services } = await own.client.query('select distinct service from trace_spans');
  assert.deepEqual(services, [{ service: 'runner' }]);
});
