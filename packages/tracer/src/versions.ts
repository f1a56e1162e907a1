import type { RecordedResource } from './recorded-span.ts';
import { registeredApi, registeredProvider } from './registered.ts';

/** Version of this package; a test compares it with package.json. */
export const VERSION = '0.1.0';

/** Versions of what takes part, as far as they can be seen from here. */
export function versions(): Record<string, string> {
  return { node: process.versions.node, tracer: VERSION, ...apiVersion(), ...sdkVersion() };
}

function apiVersion(): Record<string, string> {
  const version = registeredApi()?.version;
  return typeof version === 'string' ? { 'opentelemetry-api': version } : {};
}

function sdkVersion(): Record<string, string> {
  const version = sdkVersionOf(registeredProvider());
  return version === undefined ? {} : { 'opentelemetry-sdk': version };
}

/** What the provider's resource says about the SDK it belongs to. */
export function sdkVersionOf(provider: unknown): string | undefined {
  const { _resource, resource: public1x } = (provider ?? {}) as {
    _resource?: RecordedResource;
    resource?: RecordedResource;
  };
  const resource = _resource ?? public1x;
  // Asking a resource whose detectors are not done makes the SDK log an error.
  const version = resource?.asyncAttributesPending ? undefined : resource?.attributes?.['telemetry.sdk.version'];
  return typeof version === 'string' ? version : undefined;
}
