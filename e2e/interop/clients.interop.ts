// OpenTelemetry in Python, Go and Java, each with every OTLP protocol it has. Run: npm run test:interop
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { startBeacon } from '../beacon.ts';
import { GO, JAVA, missing, POLYGLOT, PYTHON, type Toolchain } from './toolchains.ts';

const database = await testDatabase();
const beacon = await startBeacon(database.url);
const endpoint = (protocol: string) => `http://127.0.0.1:${protocol === 'grpc' ? beacon.grpcPort : beacon.httpPort}`;

/** Why the test cannot run here; said loudly, because a test that is passed over proves nothing. */
function lacking(...toolchains: Toolchain[]): string | false {
  const absent = toolchains.flatMap((toolchain) => {
    const program = missing(toolchain);
    return program === undefined ? [] : [`${toolchain.name} is not on this machine (no ${program})`];
  });
  if (absent.length === 0) return false;
  const text = `NOT TESTED: ${absent.join(', and ')}`;
  console.error(`\n${'!'.repeat(text.length)}\n${text}\n${'!'.repeat(text.length)}\n`);
  return text;
}

function start(
  program: string,
  args: string[],
  env: Record<string, string>,
): { child: ChildProcess; said: Promise<Said> } {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill('SIGKILL'));
  const said = new Promise<Said>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const json = JSON.parse(line) as Said;
      if (json.msg === 'listening') resolve(json);
    });
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it listened`)));
  });
  return { child, said };
}

interface Said {
  msg: string;
  port: number;
  regions?: Record<string, number>;
}

async function run(program: string, args: string[], env: Record<string, string>): Promise<void> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, `${program} ${args.join(' ')}`);
}

const polyglot = lacking(PYTHON, GO);
for (const [i, protocol] of ['grpc', 'http/protobuf'].entries()) {
  test(`a Go runner, a Python router and the TypeScript inference make one trace, over ${protocol}`, {
    skip: polyglot,
  }, async () => {
    const python = PYTHON.install();
    const go = GO.install();
    const inference = start(process.execPath, [path.join(POLYGLOT, '../../services/inference/src/main.ts')], {
      DATABASE_URL: database.url,
      ENABLE_DB_TRACING: 'true',
      PORT: '0',
      REGIONS: 'eu-west=0',
    });
    const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(protocol), OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
    const provider = `http://127.0.0.1:${(await inference.said).regions!['eu-west']}/v1/chat/completions`;
    const router = start(python, [path.join(POLYGLOT, 'router.py')], { PROVIDER_URL: provider, PORT: '0', ...otlp });
    const execution = String(7_001 + i);
    await run(go, [`http://127.0.0.1:${(await router.said).port}/inference`, execution], otlp);
    const spans = await until('all spans are there', async () => {
      const { rows } = await database.client.query(
        `select w.service, w.operation, w.depth from trace_waterfall w where w.execution_id = $1 order by w.position`,
        [execution],
      );
      return new Set(rows.map(({ service }) => service)).size === 3 && rows.length >= 6 && rows;
    });
    assert.deepEqual(
      spans.slice(0, 5).map(({ service, operation, depth }) => [service, operation, depth - spans[0].depth]),
      [
        ['go-runner', 'execution.run', 0],
        ['go-runner', 'POST', 1],
        ['python-router', 'POST /inference', 2],
        ['python-router', 'POST', 3],
        ['inference', 'POST /v1/chat/completions', 4],
      ],
    );
    const { rows } = await database.client.query(
      `select count(distinct s.trace_id)::int as traces, count(*) filter (where s.job_id = 'polyglot')::int as of_job, count(*)::int as spans
       from trace_spans s join trace_executions e using (trace_id) where e.execution_id = $1`,
      [execution],
    );
    assert.equal(rows[0].traces, 1);
    assert.equal(rows[0].of_job, rows[0].spans, 'the baggage reached every service');
    router.child.kill('SIGTERM');
    inference.child.kill('SIGTERM');
  });
}

const java = lacking(JAVA);
for (const protocol of ['grpc', 'http/protobuf']) {
  test(`the Java agent over ${protocol}`, { skip: java }, async () => {
    const agent = JAVA.install();
    const service = `java over ${protocol}`;
    await run('java', [`-javaagent:${agent}`, path.join(import.meta.dirname, 'Call.java'), `${beacon.apiUrl}/health`], {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(protocol),
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    const { rows } = await database.client.query(
      `select s.operation, s.kind, s.metadata ->> 'http.response.status_code' as code, r.attributes ->> 'telemetry.sdk.language' as language
       from trace_spans s join trace_resources r using (resource_id) where s.service = $1`,
      [service],
    );
    assert.deepEqual(rows, [{ operation: 'GET', kind: 'client', code: '200', language: 'java' }]);
  });
}
