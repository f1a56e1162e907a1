// Environments in which an OpenTelemetry exporter sends nothing, or to no receiver: beside an endpoint that really listens.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { examine } from '../../src/doctor/examine.ts';
import { accused, judge, workDatabase } from './app.ts';

const TOKEN = 'a-token';

/** As Beacon's receiver answers: one path, and with a token where one is asked for. It stores what it takes. */
async function receiver(store: (traceId: string) => Promise<unknown>, token = ''): Promise<number> {
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const path = request.url ?? '';
      if (path === '/health') return response.writeHead(200).end('{}');
      if (path !== '/v1/traces') return response.writeHead(404).end('{}');
      if (token && request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end('{}');
      await store(JSON.parse(Buffer.concat(parts).toString()).resourceSpans[0].scopeSpans[0].spans[0].traceId);
      return response.writeHead(200).end('{}');
    });
  });
  after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}

const database = await workDatabase();
const store = (traceId: string) =>
  database.client.query(
    `with span as (insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at, completed_at)
       values ($1, '\\x0000000000000001', 'beacon doctor', 'beacon.probe', 'completed', now(), now()))
     insert into beacon.traces (trace_id, started_at, span_count, root_operation) values ($1, now(), 1, 'beacon.probe')`,
    [traceId],
  );
const open = await receiver(store);
const closed = await receiver(store, TOKEN);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-env-'));
after(() => fs.rmSync(dir, { recursive: true }));

/** Answers 2xx or 3xx, and stores nothing. */
const odd = http.createServer((request, response) => {
  request.resume().once('end', () => {
    if (request.url?.startsWith('/redirect'))
      response.writeHead(308, { location: 'https://collector/v1/traces' }).end();
    else if (request.url?.startsWith('/page'))
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    else response.end('{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}');
  });
});
after(() => odd.close());
await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
const ODD = (path: string) => `http://127.0.0.1:${(odd.address() as net.AddressInfo).port}/${path}`;

const HERE = `http://127.0.0.1:${open}`;
const WITH_TOKEN = `http://127.0.0.1:${closed}`;
fs.writeFileSync(
  path.join(dir, 'otel.yaml'),
  `tracer_provider:\n  processors:\n    - batch:\n        exporter:\n          otlp_http:\n            endpoint: ${HERE}/v1/traces\n`,
);
fs.writeFileSync(
  path.join(dir, 'console.yaml'),
  'tracer_provider:\n  processors:\n    - simple:\n        exporter:\n          console:\n',
);

const SEEDS: { title: string; fault: string; env: Record<string, string>; said?: RegExp }[] = [
  { title: 'an SDK that is disabled', fault: 'SDK_DISABLED', env: { OTEL_SDK_DISABLED: 'true' } },
  { title: 'disabled in capitals', fault: 'SDK_DISABLED', env: { OTEL_SDK_DISABLED: 'TRUE' } },
  { title: 'a sampler that is off', fault: 'SAMPLED_OUT', env: { OTEL_TRACES_SAMPLER: 'always_off' } },
  {
    title: 'a sampler that is off below its parent',
    fault: 'SAMPLED_OUT',
    env: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
  },
  {
    title: 'a ratio of 0',
    fault: 'SAMPLED_OUT',
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    said: /every span/,
  },
  {
    title: 'a ratio of a hundredth',
    fault: 'SAMPLED_OUT',
    env: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' },
    said: /99 of 100/,
  },
  { title: 'no exporter', fault: 'EXPORTER_OFF', env: { OTEL_TRACES_EXPORTER: 'none' } },
  { title: 'an exporter to the console', fault: 'EXPORTER_ELSEWHERE', env: { OTEL_TRACES_EXPORTER: 'console' } },
  { title: 'an exporter that does not exist', fault: 'EXPORTER_UNKNOWN', env: { OTEL_TRACES_EXPORTER: 'oltp' } },
  { title: 'the protocol http', fault: 'OTLP_PROTOCOL_UNKNOWN', env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http' } },
  {
    title: 'a protocol in capitals',
    fault: 'OTLP_PROTOCOL_UNKNOWN',
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/PROTOBUF' },
  },
  {
    title: 'a protocol of traces that does not exist',
    fault: 'OTLP_PROTOCOL_UNKNOWN',
    env: { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'protobuf' },
  },
  { title: 'an attribute limit of 0', fault: 'ATTRIBUTES_DROPPED', env: { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '0' } },
  { title: 'a general attribute limit of 0', fault: 'ATTRIBUTES_DROPPED', env: { OTEL_ATTRIBUTE_COUNT_LIMIT: '0' } },
  { title: 'a length limit of 0', fault: 'ATTRIBUTES_DROPPED', env: { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '0' } },
  { title: 'a limit of events of 0', fault: 'EVENTS_DROPPED', env: { OTEL_SPAN_EVENT_COUNT_LIMIT: '0' } },
  { title: 'a limit in words', fault: 'NOT_A_NUMBER', env: { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: 'many' } },
  { title: 'an exporter in capitals', fault: 'EXPORTER_UNKNOWN', env: { OTEL_TRACES_EXPORTER: 'OTLP' } },
  {
    title: 'an exporter that does not exist beside one',
    fault: 'EXPORTER_UNKNOWN',
    env: { OTEL_TRACES_EXPORTER: 'otlp,consol' },
  },
  { title: 'no exporter beside one', fault: 'EXPORTER_OFF', env: { OTEL_TRACES_EXPORTER: 'none,otlp' } },
  { title: 'a propagator that does not exist', fault: 'PROPAGATOR_UNKNOWN', env: { OTEL_PROPAGATORS: 'w3c' } },
  { title: 'spans that are kept for an hour', fault: 'SPANS_HELD_BACK', env: { OTEL_BSP_SCHEDULE_DELAY: '3600000' } },
  { title: 'no delay between batches', fault: 'BATCH_SETTINGS', env: { OTEL_BSP_SCHEDULE_DELAY: '0' } },
  { title: 'a queue smaller than a batch', fault: 'BATCH_SETTINGS', env: { OTEL_BSP_MAX_QUEUE_SIZE: '1' } },
  { title: 'a batch larger than the queue', fault: 'BATCH_SETTINGS', env: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5000' } },
  { title: 'a timeout of 1', fault: 'TIMEOUT_TOO_SHORT', env: { OTEL_EXPORTER_OTLP_TIMEOUT: '1' } },
  { title: 'a timeout of batches of 1 ms', fault: 'TIMEOUT_TOO_SHORT', env: { OTEL_BSP_EXPORT_TIMEOUT: '1' } },
  { title: 'a timeout with its unit', fault: 'NOT_A_NUMBER', env: { OTEL_EXPORTER_OTLP_TIMEOUT: '10s' } },
  {
    title: "Python's instrumentations switched off",
    fault: 'INSTRUMENTATION_OFF',
    env: { OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: '*' },
  },
  { title: 'the Java agent switched off', fault: 'INSTRUMENTATION_OFF', env: { OTEL_JAVAAGENT_ENABLED: 'false' } },
  {
    title: 'none of the Java instrumentations on',
    fault: 'INSTRUMENTATION_OFF',
    env: { OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED: 'false' },
  },
  {
    title: 'http taken out of the Node instrumentations',
    fault: 'INSTRUMENTATION_OFF',
    env: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs,http,dns' },
  },
  { title: 'a set-up that is not there', fault: 'PRELOAD_MISSING', env: { NODE_OPTIONS: '--import ./gone.mjs' } },
  { title: 'an agent that is not there', fault: 'PRELOAD_MISSING', env: { JAVA_TOOL_OPTIONS: '-javaagent:gone.jar' } },
  {
    title: 'a redirect',
    fault: 'OTLP_REDIRECTED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: ODD('redirect') },
    said: /https:/,
  },
  {
    title: 'a page that takes everything',
    fault: 'OTLP_NOT_A_RECEIVER',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: ODD('page') },
  },
  {
    title: 'a part that is refused',
    fault: 'OTLP_REFUSED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: ODD('part') },
    said: /too old/,
  },
  {
    title: 'an authority that is not there',
    fault: 'OTLP_TLS',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: HERE.replace('http:', 'https:'), OTEL_EXPORTER_OTLP_CERTIFICATE: 'gone.pem' },
  },
  {
    title: 'gRPC by the name of the exporter',
    fault: 'OTLP_WRONG_PROTOCOL',
    env: { OTEL_TRACES_EXPORTER: 'otlp_proto_grpc' },
  },
  { title: 'no propagator', fault: 'PROPAGATION_OFF', env: { OTEL_PROPAGATORS: 'none' } },
  {
    title: 'exceptions as logs that go nowhere',
    fault: 'EXCEPTIONS_NOT_SENT',
    env: { OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: 'logs' },
  },
  {
    title: 'the path twice',
    fault: 'OTLP_WRONG_PATH',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${HERE}/v1/traces` },
    said: /take it out there/,
  },
  {
    title: 'the endpoint for traces without its path',
    fault: 'OTLP_WRONG_PATH',
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: HERE },
  },
  {
    title: 'quotes around the value of a header',
    fault: 'OTLP_HEADERS_BROKEN',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `authorization="Bearer ${TOKEN}"` },
  },
  {
    title: 'quotes around all headers',
    fault: 'OTLP_HEADERS_BROKEN',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `"authorization=Bearer ${TOKEN}"` },
  },
  {
    title: 'a header without a name',
    fault: 'OTLP_HEADERS_BROKEN',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `Bearer ${TOKEN}` },
  },
  {
    title: 'x-api-key instead of authorization',
    fault: 'OTLP_TOKEN_REFUSED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${TOKEN}` },
    said: /x-api-key is sent instead/,
  },
  {
    title: 'a token without Bearer',
    fault: 'OTLP_TOKEN_REFUSED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `authorization=${TOKEN}` },
    said: /does not begin with/,
  },
  {
    title: 'no token',
    fault: 'OTLP_TOKEN_REFUSED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN },
    said: /none is sent/,
  },
  {
    title: 'TLS to a port without',
    fault: 'OTLP_TLS',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: HERE.replace('http:', 'https:') },
    said: /has no TLS/,
  },
  {
    title: 'a host without an address',
    fault: 'OTLP_HOST_UNKNOWN',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://no-such-host.invalid:4318' },
  },
  {
    title: 'a port without a listener',
    fault: 'OTLP_PORT_CLOSED',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
  },
  {
    title: 'an endpoint that is no address',
    fault: 'OTLP_BAD_ADDRESS',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
  },
  {
    title: 'no endpoint at all',
    fault: 'OTLP_NO_ENDPOINT',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_TRACES_EXPORTER: 'otlp' },
  },
  { title: 'a proxy that is dead', fault: 'OTLP_PROXY_DEAD', env: { HTTP_PROXY: 'http://127.0.0.1:9' } },
  { title: 'a configuration file that is not there', fault: 'CONFIG_FILE', env: { OTEL_CONFIG_FILE: 'gone.yaml' } },
  {
    title: 'a configuration file without an endpoint',
    fault: 'CONFIG_FILE',
    env: { OTEL_CONFIG_FILE: 'console.yaml' },
  },
  {
    title: 'a configuration file with another endpoint',
    fault: 'CONFIG_FILE',
    env: { OTEL_CONFIG_FILE: 'otel.yaml', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4999' },
  },
];

const environment = (env: Record<string, string>) =>
  Object.fromEntries(Object.entries({ OTEL_EXPORTER_OTLP_ENDPOINT: HERE, ...env }).filter(([, value]) => value !== ''));

const ask = (env: Record<string, string>) =>
  examine({ databaseUrl: database.url, services: [], env: environment(env), dir });

// Where no endpoint is named, spans go to the default port: with a Beacon running there, that is no fault.
const taken = await new Promise<boolean>((resolve) => {
  const socket = net.connect(4318, '127.0.0.1');
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  socket.once('connect', () => socket.destroy());
});

for (const { title, fault, env, said } of SEEDS) {
  const skip = fault === 'OTLP_NO_ENDPOINT' && taken && 'a receiver listens on port 4318 of this machine';
  test(`${title}: ${fault}, and nothing else`, { skip }, async (t) => {
    const diagnosis = await ask(env);
    assert.equal(judge(t, fault, diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
    assert.ok(diagnosis.faults[0]?.fix);
    if (said) assert.match(JSON.stringify(diagnosis.faults), said);
    assert.ok(!JSON.stringify(diagnosis).includes(TOKEN), 'no secret');
    assert.ok(diagnosis.tookMs < 10_000);
  });
}

const HEALTHY: { title: string; env: Record<string, string> }[] = [
  { title: 'an endpoint and nothing else', env: {} },
  { title: 'an endpoint that ends in a slash', env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${HERE}/` } },
  { title: 'the endpoint for traces, with its path', env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${HERE}/v1/traces` } },
  {
    title: 'a token',
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: WITH_TOKEN, OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}` },
  },
  {
    title: 'everything said as it is by default',
    env: {
      OTEL_SDK_DISABLED: 'false',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_PROPAGATORS: 'tracecontext,baggage',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '128',
    },
  },
  { title: 'two exporters', env: { OTEL_TRACES_EXPORTER: 'console, otlp' } },
  {
    title: 'a sampler that keeps a half',
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
  },
  { title: 'a configuration file', env: { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_CONFIG_FILE: 'otel.yaml' } },
  {
    title: 'a proxy for other networks',
    env: { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '10.0.0.0/8,127.0.0.0/8' },
  },
  { title: 'a proxy for other ports', env: { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: `127.0.0.1:${open}` } },
  { title: 'a ratio that is empty', env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '' } },
  {
    title: 'headers that nobody asks for, written with a colon',
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'x-team: payments' },
  },
  {
    title: 'batches that are smaller and sent sooner',
    env: { OTEL_BSP_SCHEDULE_DELAY: '1000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '256', OTEL_BSP_MAX_QUEUE_SIZE: '4096' },
  },
  { title: "a timeout in Python's seconds", env: { OTEL_EXPORTER_OTLP_TIMEOUT: '10' } },
  {
    title: 'some instrumentations left out, and a set-up that is there',
    env: {
      OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs,dns',
      NODE_OPTIONS: '--import ./otel.yaml --max-old-space-size=400',
    },
  },
  { title: 'a proxy for others', env: { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: 'localhost,127.0.0.1' } },
  {
    title: 'exceptions as logs that are sent',
    env: { OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: 'logs', OTEL_LOGS_EXPORTER: 'otlp' },
  },
  {
    title: 'empty variables',
    env: { OTEL_TRACES_SAMPLER: ' ', OTEL_TRACES_EXPORTER: ' ', OTEL_EXPORTER_OTLP_HEADERS: ' ' },
  },
];

for (const { title, env } of HEALTHY) {
  test(`${title}: nothing is accused`, async (t) => {
    const diagnosis = await ask(env);
    assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
    assert.equal(diagnosis.verdict, 'healthy');
  });
}

test('asked about one service, what this shell has set is worth a remark', async () => {
  const diagnosis = await examine({
    databaseUrl: database.url,
    services: [],
    only: true,
    env: { OTEL_SDK_DISABLED: 'true' },
    dir,
  });
  assert.deepEqual(accused(diagnosis), []);
  assert.match(diagnosis.notes.map(({ summary }) => summary).join(), /OTEL_SDK_DISABLED=true/);
});
