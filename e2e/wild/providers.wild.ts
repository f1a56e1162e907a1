// Who else owns the process's provider: the OpenTelemetry SDKs, Sentry, dd-trace, DBOS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { type Project, project, said } from './project.ts';

const { url } = await testDatabase();

const FINISH = `
await tracer.withSpan('outer', async () => { trace.getTracer('x').startActiveSpan('inner', (span) => span.end()); });
const { attachedTo, warnings } = tracer.health();
await tracer.shutdown();
console.log('HEALTH ' + JSON.stringify({ attachedTo, warnings, written: tracer.health().spansWritten }));
process.exit(0);
`;

async function ended(wild: Project, code: string, env: Record<string, string> = {}) {
  wild.write('app.mjs', code);
  const outcome = await wild.node(['app.mjs'], { DATABASE_URL: url, ENABLE_DB_TRACING: 'true', ...env });
  assert.equal(outcome.code, 0, outcome.output);
  return { ...said(outcome), output: outcome.output };
}

for (const version of ['9', '10', '11']) {
  test(`Sentry ${version}: installs beside the tracer, and spans are written or the line names what works`, async () => {
    const wild = await project([`@sentry/node@${version}`]);
    const head = `
      import * as Sentry from '@sentry/node';
      import { trace } from '@opentelemetry/api';
      import { BeaconSpanProcessor, startTracing } from '@project-beacon/tracer';
      const init = (more = {}) => Sentry.init({ dsn: 'http://k@127.0.0.1:9/1', tracesSampleRate: 1, transport: () => ({ send: async () => ({}), flush: async () => true }), ...more });
      const start = () => startTracing({ service: 'with sentry' });
    `;
    const first = await ended(wild, `${head} init(); const tracer = await start(); ${FINISH}`);
    if (first.written === 0) {
      assert.match(first.output, /DBTracer: .*openTelemetrySpanProcessors.*skipOpenTelemetrySetup/);
      assert.match(first.warnings.join(), /openTelemetrySpanProcessors/);
    } else assert.equal(first.written, 2, first.output);
    const second = await ended(wild, `${head} const tracer = await start(); init(); ${FINISH}`);
    assert.equal(second.written, 2, second.output);
    const skipped = await ended(
      wild,
      `${head} init({ skipOpenTelemetrySetup: true }); const tracer = await start(); ${FINISH}`,
    );
    assert.equal(skipped.written, 2, skipped.output);
    const given = await ended(
      wild,
      `${head} init({ openTelemetrySpanProcessors: [new BeaconSpanProcessor({ service: 'with sentry' })] }); const tracer = await start(); ${FINISH}`,
    );
    assert.equal(given.written, 2, given.output);
  });
}

test('dd-trace: spans are written beside it, and where its provider is registered the line names what works', async () => {
  const wild = await project(['dd-trace']);
  const head = `
    import dd from 'dd-trace';
    import { trace } from '@opentelemetry/api';
    import { startTracing } from '@project-beacon/tracer';
    dd.init({ startupLogs: false, telemetry: { enabled: false }, remoteConfig: { enabled: false } });
  `;
  const beside = await ended(wild, `${head} const tracer = await startTracing({ service: 'dd' }); ${FINISH}`);
  assert.equal(beside.written, 2, beside.output);
  const own = await ended(
    wild,
    `${head} new dd.TracerProvider().register(); const tracer = await startTracing({ service: 'dd' }); ${FINISH}`,
  );
  assert.equal(own.attachedTo, null);
  assert.match(
    own.output,
    /DBTracer: cannot attach to the .*; (?:or )?with dd-trace: do not register its TracerProvider/,
  );
});

test('DBOS, which registers a provider of its own: the tracer attaches to it', async () => {
  const wild = await project([
    '@dbos-inc/dbos-sdk',
    '@opentelemetry/sdk-trace-base@2',
    '@opentelemetry/context-async-hooks@2',
    '@opentelemetry/api@1.9',
  ]);
  const { written, output } = await ended(
    wild,
    `import { createRequire } from 'node:module';
     import { trace } from '@opentelemetry/api';
     import { startTracing } from '@project-beacon/tracer';
     const require = createRequire(import.meta.url);
     const inside = require('node:path').dirname(require.resolve('@dbos-inc/dbos-sdk'));
     require(inside + '/utils.js').globalParams.tracingEnabled = true;
     require(inside + '/telemetry/traces.js').installTraceContextManager('dbos-app');
     const tracer = await startTracing({ service: 'dbos' }); ${FINISH}`,
  );
  assert.equal(written, 2, output);
  assert.match(output, /DBTracer: attached to the registered BasicTracerProvider/);
});

for (const { name, sdk } of [
  {
    name: '2.x',
    sdk: ['@opentelemetry/sdk-node@0.222', '@opentelemetry/auto-instrumentations-node@0.80', '@opentelemetry/api@1.9'],
  },
  {
    name: 'newest',
    sdk: ['@opentelemetry/sdk-node', '@opentelemetry/auto-instrumentations-node', '@opentelemetry/api'],
  },
]) {
  test(`OpenTelemetry's Node SDK ${name} with auto-instrumentations: attached, and http spans are written`, async () => {
    const wild = await project(sdk);
    const code = `
      import { NodeSDK } from '@opentelemetry/sdk-node';
      import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node';
      import { trace } from '@opentelemetry/api';
      import { createRequire } from 'node:module';
      import { startTracing } from '@project-beacon/tracer';
      const sdk = new NodeSDK({ instrumentations: [getNodeAutoInstrumentations()] });
      sdk.start();
      const tracer = await startTracing({ service: 'auto' });
      const http = createRequire(import.meta.url)('http');
      const server = http.createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      await new Promise((resolve) => http.get({ port: server.address().port, host: '127.0.0.1' }, (r) => r.resume().once('end', resolve)));
      server.close();
      ${FINISH}`;
    const traced = await ended(wild, code, { OTEL_TRACES_EXPORTER: 'console' });
    assert.equal(traced.written, 4, traced.output);
    assert.match(String(traced.attachedTo), /^the registered .*TracerProvider/);
    const none = await ended(wild, code, { OTEL_TRACES_EXPORTER: 'none' });
    assert.match(none.warnings.join(), /OTEL_TRACES_EXPORTER=none/);
    const disabled = await ended(wild, code, { OTEL_SDK_DISABLED: 'true' });
    assert.match(disabled.warnings.join(), /OTEL_SDK_DISABLED=true/);
    const off = await ended(wild, code, { OTEL_TRACES_EXPORTER: 'console', OTEL_TRACES_SAMPLER: 'always_off' });
    assert.equal(off.written, 0);
    assert.match(off.warnings.join(), /OTEL_TRACES_SAMPLER=always_off\) drops every span/);
  });
}
