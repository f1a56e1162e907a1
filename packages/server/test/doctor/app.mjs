// A traced service for the doctor's tests: a row of app.work and a span for each POST /work. FAULT breaks it for real.
import * as http from 'node:http';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { startTracing } from '@project-beacon/tracer';
import pg from 'pg';

const { FAULT = '', WORK_DATABASE_URL = process.env.DATABASE_URL, SERVICE = 'shop' } = process.env;
const sdk = () => import('@opentelemetry/sdk-trace');

if (['other name', 'own provider', 'sampler by name'].includes(FAULT)) {
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}
if (FAULT === 'clock') {
  const real = Date.now;
  Date.now = () => real() + 3_600_000;
}
if (FAULT === 'sampler off') {
  const { TracerProvider, AlwaysOffSampler } = await sdk();
  trace.setGlobalTracerProvider(new TracerProvider({ sampler: new AlwaysOffSampler() }));
}
if (FAULT === 'sampler ratio') {
  const { TracerProvider, TraceIdRatioBasedSampler } = await sdk();
  trace.setGlobalTracerProvider(new TracerProvider({ sampler: new TraceIdRatioBasedSampler(0.01) }));
}
if (FAULT === 'sampler by name') {
  const { TracerProvider } = await sdk();
  const shouldSample = (_context, _id, name) => ({ decision: /work|step/.test(name) ? 0 : 2 });
  trace.setGlobalTracerProvider(new TracerProvider({ sampler: { shouldSample, toString: () => 'ByName' } }));
}
if (FAULT === 'other name') {
  const { TracerProvider } = await sdk();
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  trace.setGlobalTracerProvider(
    new TracerProvider({ resource: resourceFromAttributes({ 'service.name': 'billing' }) }),
  );
}
if (['own provider', 'no context manager'].includes(FAULT)) {
  const { TracerProvider } = await sdk();
  trace.setGlobalTracerProvider(new TracerProvider());
}
if (FAULT === 'self-tracing') {
  // An instrumentation that does not heed suppressed contexts.
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (...args) {
    const text = typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? '');
    const span = trace
      .getTracer('naive-pg')
      .startSpan('pg.query', { attributes: { 'db.query.text': text } }, ROOT_CONTEXT);
    span.end();
    return query.apply(this, args);
  };
}
if (FAULT === 'esm without import') {
  const { InstrumentationBase, InstrumentationNodeModuleDefinition } = await import('@opentelemetry/instrumentation');
  class PgInstrumentation extends InstrumentationBase {
    init() {
      return new InstrumentationNodeModuleDefinition('pg', ['*'], (exports) => exports);
    }
  }
  new PgInstrumentation('pg-instrumentation', '1.0.0', {});
}

const tracer =
  FAULT === 'not constructed'
    ? undefined
    : await startTracing({
        service: SERVICE,
        log: () => {},
        flushIntervalMs: 100,
        heartbeatMs: 200,
        statementTimeoutMs: 1_000,
        ...(FAULT === 'overflow' && { bufferSpans: 50 }),
        ...(FAULT === 'flag in code' && { flag: 'false' }),
      });

if (FAULT === 'second provider') {
  const { TracerProvider } = await sdk();
  trace.disable();
  trace.setGlobalTracerProvider(new TracerProvider());
}

if (FAULT === 'provider gone') trace.disable();
if (FAULT === 'shut down') await tracer.shutdown();

const makesSpans = !['not entered', 'esm without import', 'not constructed'].includes(FAULT);
const pool = new pg.Pool({ connectionString: WORK_DATABASE_URL, max: 1 });
pool.on('error', () => {});

async function work(headers) {
  const { rows } = await pool.query('insert into app.work default values returning id');
  if (!makesSpans) return;
  const run = (parent) =>
    context.with(parent, () =>
      tracer.withSpan('work', async () => {
        tracer.setExecutionContext({ executionId: rows[0].id });
        trace.getActiveSpan()?.setAttribute('beacon.execution_id', rows[0].id);
        if (FAULT === 'too large') trace.getActiveSpan()?.setAttribute('body', 'x'.repeat(20_000));
        const step = FAULT === 'lost context' ? ROOT_CONTEXT : context.active();
        await new Promise((resolve) => setTimeout(resolve, 3));
        tracer.startSpan('step', {}, step).end();
        await new Promise((resolve) => setTimeout(resolve, 3));
      }),
    );
  await run(tracer.extract(headers));
}

if (FAULT === 'burst' || FAULT === 'overflow') {
  for (let i = 0; i < 500; i++) tracer.startSpan('burst').end();
}

const server = http.createServer(async (request, response) => {
  const send = (status, body) => response.writeHead(status).end(JSON.stringify(body));
  try {
    if (request.url === '/health') return send(200, { status: 'ok', service: SERVICE });
    if (FAULT === 'no routes' && request.url !== '/work') return send(404, {});
    if (request.url === '/health/tracing' && tracer) return send(200, tracer.health());
    if (request.url === '/health/tracing/probe' && tracer) return send(200, await tracer.probe());
    if (request.url === '/work') {
      await work(request.headers);
      if (FAULT !== 'self-tracing') await tracer?.flush();
      return send(200, {});
    }
    if (request.url === '/exit') {
      tracer.startSpan('never written').end();
      process.exit(0);
    }
    return send(404, {});
  } catch (error) {
    return send(500, { error: error.message });
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().once('end', () => process.exit());
process.on('SIGTERM', async () => {
  await tracer?.shutdown();
  process.exit(0);
});
