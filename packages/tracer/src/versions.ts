import { trace } from '@opentelemetry/api';
import type { RecordedResource } from './recorded-span.ts';

/** Version of this package; a test compares it with package.json. */
export const VERSION = '0.1.0';

/** Versions of what takes part, as far as they can be seen from here. */
export function versions(): Record<string, string> {
  return { node: process.versions.node, tracer: VERSION, ...apiVersion(), ...sdkVersion() };
}

function apiVersion(): Record<string, string> {
  // Where every copy of the API of this major version leaves what is registered.
  const registered = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  const version = (registered as { version?: unknown } | undefined)?.version;
  return typeof version === 'string' ? { 'opentelemetry-api': version } : {};
}

function sdkVersion(): Record<string, string> {
  const version = sdkVersionOf(registeredProvider());
  return version === undefined ? {} : { 'opentelemetry-sdk': version };
}

/** The provider behind the API's proxy; undefined while the application has registered none. */
export function registeredProvider(): unknown {
  const proxy = trace.getTracerProvider() as { getDelegate?: () => unknown };
  const provider = typeof proxy.getDelegate === 'function' ? proxy.getDelegate() : proxy;
  return provider?.constructor?.name === 'NoopTracerProvider' ? undefined : provider;
}

/** What the provider's resource says about the SDK it belongs to. */
export function sdkVersionOf(provider: unknown): string | undefined {
  const resource = (provider as { _resource?: RecordedResource } | undefined)?._resource;
  // Asking a resource whose detectors are not done makes the SDK log an error.
  const version = resource?.asyncAttributesPending ? undefined : resource?.attributes?.['telemetry.sdk.version'];
  return typeof version === 'string' ? version : undefined;
}
