// What has been registered with OpenTelemetry's API, told by identity: class names do not survive a minifier.
import { trace } from '@opentelemetry/api';

interface RegisteredApi {
  version?: string;
  trace?: unknown;
}

/** Where every copy of the API of this major version leaves what is registered. */
export function registeredApi(): RegisteredApi | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')] as RegisteredApi | undefined;
}

/** The provider that spans of this process come from; undefined while none is registered that this copy may use. */
export function registeredProvider(): unknown {
  const registered = registeredApi()?.trace;
  return registered !== undefined && registered === trace.getTracerProvider() ? delegateOf(registered) : undefined;
}

/** The provider that another copy of the API has registered and this one must not use. */
export function foreignProvider(): unknown {
  const registered = registeredApi()?.trace;
  return registered !== undefined && registered !== trace.getTracerProvider() ? delegateOf(registered) : undefined;
}

/** Name of its class; undefined where a minifier has taken it. The number that bundlers append is no part of it. */
export function className(provider: unknown): string | undefined {
  const name = (provider as { constructor?: { name?: string } } | undefined)?.constructor?.name ?? '';
  return name.length > 3 ? name.replace(/\$?\d+$/, '') : undefined;
}

function delegateOf(registered: unknown): unknown {
  const proxy = registered as { getDelegate?: () => unknown };
  return typeof proxy.getDelegate === 'function' ? proxy.getDelegate() : registered;
}
