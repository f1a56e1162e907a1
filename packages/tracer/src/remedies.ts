// What to do about a provider that takes no processor after it was made, by whose provider it is.
import { className } from './registered.ts';

const PROCESSOR = 'new BeaconSpanProcessor({ service })';

/** One half sentence that names the remedy. */
export function byHand(provider: unknown, alternative = ''): string {
  const lead = alternative ? `${alternative} ` : '';
  const globals = globalThis as Record<string | symbol, unknown>;
  const name = className(provider) ?? '';
  if (globals.__SENTRY__ !== undefined || name.startsWith('Sentry')) {
    return (
      `${lead}with Sentry: Sentry.init({ openTelemetrySpanProcessors: [${PROCESSOR}] }), or ` +
      'Sentry.init({ skipOpenTelemetrySetup: true }) so that the tracer registers its own provider'
    );
  }
  if (globals[Symbol.for('dd-trace')] !== undefined || name.startsWith('Datadog')) {
    return (
      `${lead}with dd-trace: do not register its TracerProvider (its own instrumentation goes on without), so that the ` +
      'tracer registers one'
    );
  }
  return `${lead}by hand: pass ${PROCESSOR} in its spanProcessors`;
}
