// For services that report errors to Sentry as well: the report carries the trace id, the spans stay here.
import { trace } from '@opentelemetry/api';

export interface ErrorReporting {
  report(error: Error): void;
  /** Sends what is still queued, for at most `ms`. */
  flush(ms: number): Promise<void>;
}

// Sentry 11's name of the option, then that of 9 and 10.
const NO_SETUP = { enableOpenTelemetrySetup: false, skipOpenTelemetrySetup: true };

/** Reports to Sentry where SENTRY_DSN is set; otherwise nothing is loaded and nothing is sent. */
export async function errorReporting(env: NodeJS.ProcessEnv, service: string): Promise<ErrorReporting> {
  if (!env.SENTRY_DSN) return { report() {}, async flush() {} };
  const sentry = await import('@sentry/node');
  sentry.init({
    dsn: env.SENTRY_DSN,
    tracesSampleRate: Number(env.SENTRY_TRACES_SAMPLE_RATE ?? 0),
    // Spans are ours: Sentry's own setup would register a second provider and patch http and fetch.
    ...NO_SETUP,
    enableRuntimeChannelInjection: false,
    defaultIntegrations: false,
    initialScope: { tags: { service } },
  });
  return {
    report(error) {
      const span = trace.getActiveSpan()?.spanContext();
      const context = span ? { contexts: { trace: { trace_id: span.traceId, span_id: span.spanId } } } : {};
      sentry.captureException(error, { ...context, tags: { ...(span && { trace_id: span.traceId }) } });
    },
    async flush(ms) {
      await sentry.flush(ms);
    },
  };
}
