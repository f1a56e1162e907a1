// One case a process, so that none runs on code another has warmed up: `node cases.ts <case> <variant>`, figures as JSON
// on standard output.

import { context, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { BeaconSpanProcessor, startTracing } from '@project-beacon/tracer';
import { makeSpan, turn } from './spans.ts';

const [what, variant] = process.argv.slice(2) as [string, string];
const cases: Record<string, () => Promise<object>> = { off, thread, cpu, burst };
console.log(JSON.stringify(await cases[what]!()));
process.exit(0);

/** Nanoseconds of a call at a call site, with the flag off or without any SDK. */
async function off(): Promise<object> {
  const beacon = await startTracing({ service: 'bench', flag: 'off', log: () => {} });
  const api = trace.getTracer('bench');
  const work = () => 1;
  const sites: Record<string, () => unknown> = {
    'api.startSpan+end': () => api.startSpan('operation').end(),
    'beacon.startSpan+end': () => beacon.startSpan('operation').end(),
    'api.startActiveSpan': () => api.startActiveSpan('operation', work),
    'beacon.withSpan': () => beacon.withSpan('operation', work),
    'beacon.setExecutionContext': () => beacon.setExecutionContext({ executionId: 1 }),
  };
  const nanoseconds: Record<string, number> = {};
  const site = sites[variant]!;
  const calls = 2_000_000;
  for (let round = 0; round < 4; round++) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) site();
    nanoseconds[variant] = Number(process.hrtime.bigint() - started) / calls;
  }
  return { ns: nanoseconds[variant] };
}

/** Microseconds of the application's own call a span; what runs in the background is not in it. */
async function thread(): Promise<object> {
  const { tracer, processor } = setUp();
  const ticks = 120;
  const perTick = 500;
  let total = 0;
  for (let tick = -40; tick < ticks; tick++) {
    const started = performance.now();
    for (let i = 0; i < perTick; i++) makeSpan(tracer);
    if (tick >= 0) total += performance.now() - started;
    await turn();
    if (tick % 4 === 0) await processor?.forceFlush();
  }
  return { us: (total * 1_000) / (ticks * perTick) };
}

/** Microseconds of CPU a span, all threads of the process, until it is delivered. */
async function cpu(): Promise<object> {
  const { tracer, processor, delivered } = setUp();
  const spans = Number(process.env.SPANS ?? 60_000);
  const warmup = 20_000;
  let started = process.cpuUsage();
  const wallStart = performance.now();
  for (let i = -warmup; i < spans; i++) {
    if (i === 0) started = process.cpuUsage();
    makeSpan(tracer);
    if (i % 100 === 0) await turn();
    if (i % 2_000 === 0) await processor?.forceFlush();
  }
  await processor?.forceFlush();
  const used = process.cpuUsage(started);
  return {
    us: (used.user + used.system) / spans,
    lost: spans + warmup - delivered(),
    spansPerSecond: ((spans + warmup) / (performance.now() - wallStart)) * 1_000,
  };
}

/** Spans lost of 10,000 ended in one tick, and the longest time the event loop stood still while they were delivered. */
async function burst(): Promise<object> {
  const { tracer, processor, delivered } = setUp();
  // The first bursts warm up, as a process that has served for a while is warm.
  let worst = 0;
  let tickMs = 0;
  for (let round = 0; round < 4; round++) {
    worst = 0;
    const started = performance.now();
    for (let i = 0; i < 10_000; i++) makeSpan(tracer);
    tickMs = performance.now() - started;
    let done = false;
    let last = performance.now();
    const watch = () => {
      if (done) return;
      const now = performance.now();
      worst = Math.max(worst, now - last);
      last = now;
      setImmediate(watch);
    };
    setImmediate(watch);
    await turn();
    await processor?.forceFlush();
    await turn();
    done = true;
  }
  return { lost: 40_000 - delivered(), worstBlockMs: worst, tickMs };
}

interface SetUp {
  tracer: Tracer;
  processor: SpanProcessor | undefined;
  delivered: () => number;
}

function setUp(): SetUp {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  let count = 0;
  const counting: SpanExporter = {
    export(spans, done) {
      count += spans.length;
      done({ code: 0 });
    },
    async shutdown() {},
  };
  const build = (processor?: SpanProcessor, delivered = () => count): SetUp => {
    const provider = new TracerProvider({ spanProcessors: processor ? [processor] : [] });
    return { tracer: provider.getTracer('bench'), processor, delivered };
  };
  switch (variant) {
    case 'beacon': {
      const beacon = new BeaconSpanProcessor({ service: 'bench', flag: 'true', log: (line) => console.error(line) });
      return build(beacon, () => beacon.counters().written);
    }
    case 'batch':
      return build(new BatchSpanProcessor({ exporter: counting }));
    case 'batch-unbounded':
      return build(new BatchSpanProcessor({ exporter: counting, maxQueueSize: 100_000 }));
    case 'otlp': {
      const otlp = new OTLPTraceExporter({ url: process.env.SINK_URL! });
      const exporter: SpanExporter = {
        export: (spans, done) =>
          otlp.export(spans, (result) => {
            if (result.code === 0) count += spans.length;
            done(result);
          }),
        shutdown: () => otlp.shutdown(),
      };
      return build(new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 }));
    }
    default:
      return build();
  }
}
