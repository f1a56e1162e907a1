// Preloaded into each service: OpenTelemetry's SDK with the instrumentations that the stack's package.json pins, and no others.
// (All of auto-instrumentations-node take seconds to load; the stack node-legacy records them as they come.)
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { defaultResource, detectResources, envDetector, hostDetector, processDetector } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
const { dependencies } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8'));
const instrumentations = await Promise.all(
  Object.keys(dependencies)
    .filter((name) => /instrumentation(-|$)/.test(name) && name !== '@opentelemetry/instrumentation')
    .map(async (name) => {
      const [, Instrumentation] = Object.entries(await import(name)).find(([key]) => key.endsWith('Instrumentation'));
      return new Instrumentation();
    }),
);
const provider = new TracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector, hostDetector, processDetector] })),
  spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 200 })],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(provider);
registerInstrumentations({ instrumentations });

const shutdown = () => provider.shutdown().catch(console.error);
process.on('SIGTERM', shutdown);
process.once('beforeExit', shutdown);
