// A program of OpenTelemetry's own SDK and exporter, configured by its usual environment: what fails, it keeps to itself.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const exporter = new OTLPTraceExporter();
const provider = new TracerProvider({
  spanProcessors: [new BatchSpanProcessor({ exporter })],
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
});
const attributes = { body: 'x'.repeat(Number(process.env.BODY_BYTES ?? 10)) };
provider.getTracer('shop').startSpan('work', { attributes }).end();
await provider.forceFlush().catch(() => {});
await provider.shutdown().catch(() => {});
