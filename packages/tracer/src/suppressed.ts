import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

// The key by which OpenTelemetry's SDKs recognise work that must not be traced. Taking it from their package would make
// that package a dependency.
const SUPPRESS = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const UNTRACED = ROOT_CONTEXT.setValue(SUPPRESS, true);

/** Runs work that makes no spans, and that does not hold on to whatever request happened to start it. */
export function suppressed<T>(work: () => T): T {
  return context.with(UNTRACED, work);
}
