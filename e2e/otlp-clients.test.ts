// The exporters of OpenTelemetry JS, each generation with each protocol it has, into the table.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import * as grpc from '@opentelemetry/exporter-trace-otlp-grpc';
import * as json from '@opentelemetry/exporter-trace-otlp-http';
import * as proto from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import * as sdk from '@opentelemetry/sdk-trace';
import { testDatabase } from '@project-beacon/testkit';
import { startBeacon } from './beacon.ts';

const database = await testDatabase();
const beacon = await startBeacon(database.url);

interface Generation {
  name: string;
  load(specifier: string): Record<string, new (options?: object) => never>;
  sdk: string;
  provider: string;
}

const fixture = path.join(import.meta.dirname, '../fixtures/otel2/package.json');
const THIRD: Record<string, object> = {
  '@opentelemetry/exporter-trace-otlp-grpc': grpc,
  '@opentelemetry/exporter-trace-otlp-http': json,
  '@opentelemetry/exporter-trace-otlp-proto': proto,
  '@opentelemetry/sdk-trace': sdk,
};
const GENERATIONS: Generation[] = [
  {
    name: '3.x',
    load: (specifier) => THIRD[specifier] as never,
    sdk: '@opentelemetry/sdk-trace',
    provider: 'TracerProvider',
  },
  { name: '2.x', load: createRequire(fixture), sdk: '@opentelemetry/sdk-trace-base', provider: 'BasicTracerProvider' },
];
const url = `http://127.0.0.1:${beacon.httpPort}/v1/traces`;
const PROTOCOLS: [name: string, specifier: string, options: object][] = [
  ['http/protobuf', '@opentelemetry/exporter-trace-otlp-proto', { url }],
  ['http/protobuf, gzip', '@opentelemetry/exporter-trace-otlp-proto', { url, compression: 'gzip' }],
  ['http/json', '@opentelemetry/exporter-trace-otlp-http', { url }],
  ['grpc', '@opentelemetry/exporter-trace-otlp-grpc', { url: `http://127.0.0.1:${beacon.grpcPort}` }],
  [
    'grpc, gzip',
    '@opentelemetry/exporter-trace-otlp-grpc',
    { url: `http://127.0.0.1:${beacon.grpcPort}`, compression: 'gzip' },
  ],
];

for (const { name, load, sdk: sdkName, provider: Provider } of GENERATIONS) {
  for (const [protocol, specifier, options] of PROTOCOLS) {
    test(`OpenTelemetry JS ${name} over ${protocol}`, async () => {
      const exporter = new (load(specifier).OTLPTraceExporter!)(options);
      const made = load(sdkName);
      const processor =
        name === '2.x'
          ? new (made.BatchSpanProcessor as never as new (e: unknown) => never)(exporter)
          : new made.BatchSpanProcessor!({ exporter });
      const provider = new made[Provider]!({
        spanProcessors: [processor],
        resource: resourceFromAttributes({ 'service.name': 'js', 'beacon.region': 'eu-west' }),
      }) as never as {
        getTracer(
          name: string,
          version: string,
        ): {
          startSpan(
            name: string,
            options: object,
          ): {
            recordException(error: Error): void;
            setStatus(status: object): void;
            addEvent(name: string, attributes: object): void;
            end(): void;
            spanContext(): { traceId: string };
          };
        };
        shutdown(): Promise<void>;
      };
      const tracer = provider.getTracer('the scope', '1.2.3');
      const operation = `${name} ${protocol}`;
      const attributes = {
        'beacon.execution_id': 2193,
        'beacon.job_id': '472',
        list: ['a', 'b'],
        ratio: 0.5,
        yes: true,
      };
      const span = tracer.startSpan(operation, { kind: 2, attributes });
      span.addEvent('cache miss', { key: 'k' });
      span.recordException(Object.assign(new Error('it took too long'), { name: 'TimeoutError' }));
      span.setStatus({ code: 2, message: 'it took too long' });
      span.end();
      await provider.shutdown();
      const { rows } = await database.client.query(
        `select s.*, replace(s.trace_id::text, '-', '') as trace, r.scope_name, r.scope_version, r.attributes as resource
         from trace_spans s join trace_resources r using (resource_id) where s.operation = $1`,
        [operation],
      );
      assert.equal(rows.length, 1);
      const [row] = rows;
      assert.equal(row.trace, span.spanContext().traceId);
      assert.deepEqual(row.metadata, attributes);
      assert.deepEqual(
        [
          row.kind,
          row.status,
          row.error_type,
          row.error_message,
          row.execution_id,
          row.job_id,
          row.scope_name,
          row.scope_version,
        ],
        ['client', 'timeout', 'TimeoutError', 'it took too long', '2193', '472', 'the scope', '1.2.3'],
      );
      assert.deepEqual(
        row.events.map((event: { name: string }) => event.name),
        ['cache miss', 'exception'],
      );
      assert.deepEqual(
        [row.resource, row.service, row.region],
        [{ 'service.name': 'js', 'beacon.region': 'eu-west' }, 'js', 'eu-west'],
      );
    });
  }
}

test('a trace is given back as OTLP, in the encoding that is asked for', async () => {
  const { rows } = await database.client.query('select trace_id from traces limit 1');
  const address = `${beacon.apiUrl}/tempo/api/traces/${rows[0].trace_id.replaceAll('-', '')}`;
  const json = await fetch(address, { headers: { accept: 'application/json' } });
  assert.equal(json.headers.get('content-type'), 'application/json; charset=utf-8');
  const { resourceSpans } = (await json.json()) as { resourceSpans: { scopeSpans: { spans: object[] }[] }[] };
  assert.equal(resourceSpans[0]!.scopeSpans[0]!.spans.length, 1);
  const protobuf = await fetch(address, { headers: { accept: 'application/protobuf' } });
  assert.equal(protobuf.headers.get('content-type'), 'application/protobuf');
  assert.equal(new Uint8Array(await protobuf.arrayBuffer())[0], 0x0a);
  assert.equal((await fetch(`${beacon.apiUrl}/tempo/api/traces/${'ab'.repeat(16)}`)).status, 404);
});
