// The provider for an application that has none. What is published carries the SDK inside this one file: an application
// that has an SDK of another version, or none, then needs no other package, and a bundler finds everything it needs.
import { context, createContextKey, propagation, ROOT_CONTEXT, type TracerProvider, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import * as sdk from '@opentelemetry/sdk-trace';

/**
 * Registers a provider that hands its spans to `processor`, and where they are missing an async context manager and W3C
 * propagation. Undefined when the API did not take it.
 */
export function registerProvider(attributes: Record<string, string>, processor: object): TracerProvider | undefined {
  const provider = new sdk.TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(attributes)),
    spanProcessors: [processor as sdk.SpanProcessor],
  });
  if (!trace.setGlobalTracerProvider(provider)) return undefined;
  if (!hasContextManager()) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  }
  if (propagation.fields().length === 0) {
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  }
  return provider;
}

/** Whether contexts get through here already: a second manager cannot be registered, and asking for one logs an error. */
function hasContextManager(): boolean {
  const probe = createContextKey('beacon probe');
  return context.with(ROOT_CONTEXT.setValue(probe, true), () => context.active().getValue(probe) === true);
}
