// OpenTelemetry as it was set up in 2024: http.url and http.status_code, unless OTEL_SEMCONV_STABILITY_OPT_IN asks for both.
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { GraphQLInstrumentation } = require('@opentelemetry/instrumentation-graphql');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { MySQL2Instrumentation } = require('@opentelemetry/instrumentation-mysql2');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
const { Resource, envDetectorSync, hostDetectorSync, processDetectorSync } = require('@opentelemetry/resources');
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const detected = [envDetectorSync, hostDetectorSync, processDetectorSync].map((detector) => detector.detect());
const provider = new NodeTracerProvider({
  resource: detected.reduce((merged, each) => merged.merge(each), Resource.default()),
});
provider.addSpanProcessor(new BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 200 }));
provider.register();
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation(),
    new ExpressInstrumentation(),
    new GraphQLInstrumentation(),
    new MySQL2Instrumentation(),
    new PgInstrumentation(),
  ],
});
process.on('SIGTERM', () => {
  provider
    .shutdown()
    .catch(console.error)
    .finally(() => process.exit(0));
});
