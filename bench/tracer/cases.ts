// What one process measures. Each case runs in a process of its own, so that none runs on code another has warmed up.
import { PerformanceObserver } from 'node:perf_hooks';
import { type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { BeaconSpanProcessor, startTracing } from '@project-beacon/tracer';
import { makeSpan, turn } from './spans.ts';

/** Nanoseconds of a call at a call site: with the flag off, or of OpenTelemetry's API without an SDK. */
export async function off(site: string): Promise<{ ns: number }> {
  const beacon = await startTracing({ service: 'bench', flag: 'off', log: () => {} });
  const api = trace.getTracer('bench');
  const work = () => 1;
  const sites: Record<string, () => unknown> = {
    'api startSpan': () => api.startSpan('operation').end(),
    'beacon startSpan': () => beacon.startSpan('operation').end(),
    'api startActiveSpan': () => api.startActiveSpan('operation', work),
    'beacon withSpan': () => beacon.withSpan('operation', work),
    'beacon setExecutionContext': () => beacon.setExecutionContext({ executionId: 1 }),
  };
  const call = sites[site]!;
  const calls = 3_000_000;
  let ns = 0;
  for (let round = 0; round < 3; round++) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) call();
    ns = Number(process.hrtime.bigint() - started) / calls;
  }
  return { ns };
}

/** Microseconds of the application's own calls a span; what runs in the background is not in it. */
export async function thread(variant: string): Promise<{ us: number }> {
  const { tracer, processor } = setUp(variant);
  const ticks = 800;
  const perTick = 100;
  let total = 0;
  for (let tick = -300; tick < ticks; tick++) {
    const started = performance.now();
    for (let i = 0; i < perTick; i++) makeSpan(tracer);
    if (tick >= 0) total += performance.now() - started;
    await turn();
    if (tick % 20 === 0) await processor?.forceFlush();
  }
  return { us: (total * 1_000) / (ticks * perTick) };
}

/** Microseconds of CPU a span, all threads of the process, until it is delivered. */
export async function cpu(variant: string): Promise<{ us: number; lost: number; spansPerSecond: number }> {
  const { tracer, processor, delivered } = setUp(variant);
  const spans = 100_000;
  const warmup = 30_000;
  let used = process.cpuUsage();
  let started = performance.now();
  for (let i = -warmup; i < spans; i++) {
    if (i === 0) {
      used = process.cpuUsage();
      started = performance.now();
    }
    makeSpan(tracer);
    if (i % 100 === 0) await turn();
    if (i % 2_000 === 0) await processor?.forceFlush();
  }
  await processor?.forceFlush();
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - started) / 1_000;
  return { us: (user + system) / spans, lost: spans + warmup - delivered(), spansPerSecond: spans / seconds };
}

interface Span {
  start: number;
  end: number;
}

/**
 * Of 10,000 spans ended in one tick: how many were lost, and how long the event loop stood still at most while they were
 * delivered, with and without the pauses of the garbage collector.
 */
export async function burst(
  variant: string,
): Promise<{ lost: number; blockMs: number; blockWithoutGcMs: number; tickMs: number }> {
  const { tracer, processor, delivered } = setUp(variant);
  const pauses: Span[] = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      pauses.push({ start: startTime, end: startTime + duration });
    }
  }).observe({ entryTypes: ['gc'] });
  let blocks: Span[] = [];
  let tickMs = 0;
  // The first rounds warm up, as a process that has served for a while is warm; only the last one counts.
  const rounds = 5;
  for (let round = 0; round < rounds; round++) {
    blocks = [];
    const started = performance.now();
    for (let i = 0; i < 10_000; i++) makeSpan(tracer);
    tickMs = performance.now() - started;
    let done = false;
    let last = performance.now();
    const watch = () => {
      if (done) return;
      const now = performance.now();
      if (now - last > 0.2) blocks.push({ start: last, end: now });
      last = now;
      setImmediate(watch);
    };
    setImmediate(watch);
    await turn();
    await processor?.forceFlush();
    await turn();
    done = true;
  }
  // The collector reports its pauses a little later.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lengths = blocks.map(({ start, end }) => end - start);
  const own = blocks.map((block, i) => lengths[i]! - overlap(block, pauses));
  return {
    lost: (rounds * 10_000 - delivered()) / rounds,
    blockMs: Math.max(0, ...lengths),
    blockWithoutGcMs: Math.max(0, ...own),
    tickMs,
  };
}

function overlap(block: Span, pauses: readonly Span[]): number {
  return pauses.reduce(
    (sum, pause) => sum + Math.max(0, Math.min(block.end, pause.end) - Math.max(block.start, pause.start)),
    0,
  );
}

interface SetUp {
  tracer: Tracer;
  processor: SpanProcessor | undefined;
  delivered: () => number;
}

function setUp(variant: string): SetUp {
  let count = 0;
  const nowhere: SpanExporter = {
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
      const beacon = new BeaconSpanProcessor({ service: 'bench', flag: 'true', log: () => {} });
      return build(beacon, () => beacon.counters().written);
    }
    case 'batch':
      return build(new BatchSpanProcessor({ exporter: nowhere }));
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
      // Room for every span of a burst, so that what is compared is the same work.
      return build(new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 }));
    }
    case 'bare':
      return build();
    default:
      throw new Error(`There is no variant ${variant}.`);
  }
}
