// How the processor gets to see spans: through the provider the application has registered, or one of its own.
import { context, createContextKey, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type * as sdkTrace from '@opentelemetry/sdk-trace';
import { BeaconSpanProcessor } from './processor.ts';
import { processorsOf } from './provider-processors.ts';
import { registeredProvider, sdkVersionOf } from './versions.ts';

export interface Attachment {
  /** The processor that sees the spans: an earlier one where the provider had one already. */
  processor: BeaconSpanProcessor;
  /** What it is attached to, in words; null when it could not be. */
  to: string | null;
  /** The line to say; undefined when there is nothing unusual. */
  line?: string;
}

/** The processor the registered provider has already, which an application may have put there by hand. */
export function attachedProcessor(): BeaconSpanProcessor | undefined {
  const list = processorsOf(registeredProvider())?.list ?? [];
  return list.find((one) => one instanceof BeaconSpanProcessor && one.enabled && !one.isStopped) as
    | BeaconSpanProcessor
    | undefined;
}

/** Attaches to the registered provider, or registers one. Never throws. */
export async function attach(processor: BeaconSpanProcessor): Promise<Attachment> {
  try {
    const provider = registeredProvider();
    if (provider === undefined) return await registerOwn(processor);
    const sdk = sdkVersionOf(provider);
    const name = `the registered ${nameOf(provider)}${sdk ? ` (OpenTelemetry SDK ${sdk})` : ''}`;
    const processors = processorsOf(provider);
    if (!processors) {
      const by = 'pass new BeaconSpanProcessor({ service }) in its spanProcessors';
      return {
        processor,
        to: null,
        line: `DBTracer: cannot attach to ${name}, no span will be written; by hand: ${by}`,
      };
    }
    processors.set([...processors.list, processor]);
    return { processor, to: name, line: `DBTracer: attached to ${name}` };
  } catch (error) {
    return {
      processor,
      to: null,
      line: `DBTracer: cannot attach, no span will be written: ${(error as Error).message}`,
    };
  }
}

/** Name of its class, without the number that bundlers append. */
function nameOf(provider: unknown): string {
  return (provider?.constructor?.name ?? 'provider').replace(/\$\d+$/, '');
}

/** Takes the processor out of the registered provider again. */
export function detach(processor: BeaconSpanProcessor): void {
  const processors = processorsOf(registeredProvider());
  if (processors?.list.includes(processor)) processors.set(processors.list.filter((one) => one !== processor));
}

/** Optional peers, of whatever version the application has; the ones it lacks are undefined. */
async function optionalPeers() {
  // Until 2.11 the SDK was in a package of this name. By a variable: this workspace has no such package.
  const formerName = '@opentelemetry/sdk-trace-base';
  const former = (): Promise<{ BasicTracerProvider?: typeof sdkTrace.TracerProvider } | undefined> =>
    import(formerName).catch(() => undefined);
  const [sdk, resources, core, hooks] = await Promise.all([
    import('@opentelemetry/sdk-trace').catch(() => undefined),
    import('@opentelemetry/resources').catch(() => undefined),
    import('@opentelemetry/core').catch(() => undefined),
    import('@opentelemetry/context-async-hooks').catch(() => undefined),
  ]);
  return { Provider: sdk?.TracerProvider ?? (await former())?.BasicTracerProvider, resources, core, hooks };
}

async function registerOwn(processor: BeaconSpanProcessor): Promise<Attachment> {
  const { Provider, resources, core, hooks } = await optionalPeers();
  if (!Provider || !resources || !core || !hooks) {
    const missing = [
      Provider ? '' : '@opentelemetry/sdk-trace',
      resources ? '' : '@opentelemetry/resources',
      core ? '' : '@opentelemetry/core',
      hooks ? '' : '@opentelemetry/context-async-hooks',
    ].filter(Boolean);
    const line = `DBTracer: no span will be written: register a TracerProvider first, or install ${missing.join(', ')}`;
    return { processor, to: null, line };
  }
  const attributes = { 'service.name': processor.service, 'service.instance.id': processor.instance };
  const resource = resources.defaultResource().merge(resources.resourceFromAttributes(attributes));
  const provider = new Provider({ resource, spanProcessors: [processor] });
  if (!hasContextManager()) {
    context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  }
  if (propagation.fields().length === 0) {
    const propagators = [new core.W3CTraceContextPropagator(), new core.W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new core.CompositePropagator({ propagators }));
  }
  trace.setGlobalTracerProvider(provider);
  const version = sdkVersionOf(provider);
  return { processor, to: `a provider of its own${version ? ` (OpenTelemetry SDK ${version})` : ''}` };
}

/** Whether contexts get through here already: a second manager cannot be registered, and asking for one logs an error. */
function hasContextManager(): boolean {
  const probe = createContextKey('beacon probe');
  return context.with(ROOT_CONTEXT.setValue(probe, true), () => context.active().getValue(probe) === true);
}
