import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { runChild } from './child.ts';

const { client, url } = await testDatabase();

const SDKS = [
  { name: '3.x', otel2: false, version: /3\.\d+\.\d+/, own: 'TracerProvider', from: '@opentelemetry/sdk-trace' },
  {
    name: '2.x',
    otel2: true,
    version: /2\.\d+\.\d+/,
    own: 'BasicTracerProvider',
    from: '@opentelemetry/sdk-trace-base',
  },
];

const WORK = `
const other = trace.getTracer('app', '1.0');
await tracer.withSpan('outer', async () => {
  await new Promise((resolve) => setImmediate(resolve));
  other.startActiveSpan('inner', { kind: SpanKind.CLIENT }, (span) => span.end());
});
console.log(JSON.stringify({ health: tracer.health(), exported }));
`;

async function spansOf(service: string) {
  const { rows } = await client.query(
    `select s.operation, s.kind, p.operation as parent, r.scope_name as scope
     from trace_spans s left join trace_spans p on p.span_id = s.parent_span_id and p.trace_id = s.trace_id
     left join trace_resources r on r.resource_id = s.resource_id
     where s.service = $1 order by s.operation`,
    [service],
  );
  return rows;
}

const EXPECTED = [
  { operation: 'inner', kind: 'client', parent: 'outer', scope: 'app' },
  { operation: 'outer', kind: 'internal', parent: null, scope: '@project-beacon/tracer' },
];

for (const { name, otel2, version, own, from } of SDKS) {
  const env = { ENABLE_DB_TRACING: 'true', DATABASE_URL: url };

  test(`${name}: without a provider it registers one, and contexts get through awaits`, async () => {
    const service = `alone ${name}`;
    const code = `const exported = []; const tracer = await startTracing({ service: '${service}' }); ${WORK}`;
    const ended = await runChild(code, { env, otel2 });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await spansOf(service), EXPECTED);
    assert.deepEqual(ended.tracerLines, ['DBTracer: ENABLED (ENABLE_DB_TRACING=true)']);
    const { health } = JSON.parse(ended.stdout);
    assert.match(health.attachedTo, /^a provider of its own/);
    assert.match(health.versions['opentelemetry-sdk'], version);
  });

  test(`${name}: attaches to the provider the application registered, whose exporter keeps its spans`, async () => {
    const service = `both ${name}`;
    const code = `
      import { ${own}, InMemorySpanExporter, SimpleSpanProcessor } from '${from}';
      import { resourceFromAttributes } from '@opentelemetry/resources';
      import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const exporter = new InMemorySpanExporter();
      const spanProcessors = [new SimpleSpanProcessor(${otel2 ? 'exporter' : '{ exporter }'})];
      const resource = resourceFromAttributes({ 'service.name': '${service}', 'telemetry.sdk.version': '${otel2 ? '2.0.0' : '3.0.0'}' });
      trace.setGlobalTracerProvider(new ${own}({ resource, spanProcessors }));
      const early = trace.getTracer('early');
      const tracer = await startTracing({ service: 'not this' });
      early.startSpan('made by a tracer from before').end();
      const exported = exporter.getFinishedSpans();
      ${WORK.replace('exported }', 'exported: exporter.getFinishedSpans().map((span) => span.name).sort() }')}`;
    const ended = await runChild(code, { env, otel2 });
    assert.equal(ended.code, 0, ended.stderr);
    const expected = [...EXPECTED];
    expected.splice(1, 0, {
      operation: 'made by a tracer from before',
      kind: 'internal',
      parent: null as never,
      scope: 'early',
    });
    assert.deepEqual(await spansOf(service), expected);
    assert.match(
      ended.tracerLines[1]!,
      new RegExp(`^DBTracer: attached to the registered ${own} \\(OpenTelemetry SDK`),
    );
    assert.equal(ended.tracerLines.length, 2);
    assert.deepEqual(JSON.parse(ended.stdout).exported, ['inner', 'made by a tracer from before', 'outer']);
  });

  test(`${name}: uses the processor that the application put into its provider by hand`, async () => {
    const service = `by hand ${name}`;
    const code = `
      import { ${own} } from '${from}';
      import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const processor = new BeaconSpanProcessor({ service: '${service}' });
      trace.setGlobalTracerProvider(new ${own}({ spanProcessors: [processor] }));
      const exported = [];
      const tracer = await startTracing({ service: 'not this' });
      if (tracer.processor !== processor) throw new Error('another processor');
      ${WORK}`;
    const ended = await runChild(code, { env, otel2 });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await spansOf(service), EXPECTED);
    assert.deepEqual(ended.tracerLines, ['DBTracer: ENABLED (ENABLE_DB_TRACING=true)']);
  });
}

test('a provider it cannot attach to is named in one line, and nothing else changes', async () => {
  const code = `
    class Foreign { getTracer() { return trace.wrapSpanContext && { startSpan: () => trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }), startActiveSpan: (n, f) => f() }; } }
    trace.setGlobalTracerProvider(new Foreign());
    const tracer = await startTracing({ service: 'foreign' });
    console.log(tracer.withSpan('work', () => 'done'), tracer.health().attachedTo);`;
  const ended = await runChild(code, { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: url } });
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stdout, 'done null\n');
  assert.equal(ended.tracerLines.length, 2);
  assert.match(
    ended.tracerLines[1]!,
    /cannot attach to the registered Foreign, no span will be written; by hand: pass new BeaconSpanProcessor/,
  );
});

const SAMPLED = (sampler: string) => `
  import { AlwaysOffSampler, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
  trace.setGlobalTracerProvider(new TracerProvider({ sampler: ${sampler} }));`;

const WARNINGS: { name: string; env?: Record<string, string>; code?: string; said: RegExp; written: number }[] = [
  {
    name: 'a sampler that is off',
    code: SAMPLED('new AlwaysOffSampler()'),
    said: /^the sampler AlwaysOffSampler drops every span\./,
    written: 0,
  },
  {
    name: 'a ratio of 0',
    code: SAMPLED('new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) })'),
    env: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    said: /OTEL_TRACES_SAMPLER_ARG=0\) drops every span\./,
    written: 0,
  },
  { name: 'a disabled SDK', env: { OTEL_SDK_DISABLED: 'true' }, said: /^OTEL_SDK_DISABLED=true: /, written: 1 },
  { name: 'no exporter', env: { OTEL_TRACES_EXPORTER: 'none' }, said: /^OTEL_TRACES_EXPORTER=none: /, written: 1 },
];

for (const { name, env, code = '', said, written } of WARNINGS) {
  test(`${name}: health() and a line at start say what becomes of spans`, async () => {
    const program = `${code}
      const tracer = await startTracing({ service: 'warned' });
      const { warnings } = tracer.health();
      tracer.withSpan('work', () => {});
      await tracer.shutdown();
      console.log(JSON.stringify({ warnings, written: tracer.health().spansWritten }));`;
    const ended = await runChild(program, { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: url, ...env } });
    assert.equal(ended.code, 0, ended.stderr);
    const health = JSON.parse(ended.stdout);
    assert.equal(health.warnings.length, 1);
    assert.match(health.warnings[0], said);
    assert.equal(health.written, written);
    assert.equal(ended.tracerLines.at(-1), `DBTracer: ${health.warnings[0]}`);
  });
}

test('a sampler that keeps a hundredth says so, and one that keeps all says nothing', async () => {
  for (const [ratio, said] of [
    ['0.01', /drops about (?:9[0-9]|100) of 100 traces|drops every span/],
    ['1', /^$/],
  ] as const) {
    const code = `${SAMPLED(`new TraceIdRatioBasedSampler(${ratio})`)}
      console.log((await startTracing({ service: 'ratio', log: () => {} })).health().warnings.join());`;
    const ended = await runChild(code, { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: url } });
    assert.match(ended.stdout.trim(), said);
  }
});

test('a provider that takes the place of the one it is attached to is in the warnings', async () => {
  const code = `
    import { TracerProvider } from '@opentelemetry/sdk-trace';
    const tracer = await startTracing({ service: 'replaced' });
    const before = tracer.health().warnings.length;
    trace.disable();
    trace.setGlobalTracerProvider(new TracerProvider());
    console.log(before, tracer.health().warnings.join());`;
  const ended = await runChild(code, { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: url } });
  assert.match(ended.stdout, /^0 the registered TracerProvider does not hand its spans to the tracer; by hand: /);
});
