// How the processor gets to see spans: through the provider the application has registered, or one of its own.
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { BeaconSpanProcessor } from './processor.ts';
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
  return processorsOf(registeredProvider())?.list.find((one) => one instanceof BeaconSpanProcessor && one.enabled) as
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

interface Processors {
  list: unknown[];
  set(list: unknown[]): void;
}

/**
 * The SDKs 2.x and 3.x take processors in the constructor only, and keep them where all their tracers look at every
 * span; both versions are tested for it.
 */
function processorsOf(provider: unknown): Processors | undefined {
  const multi = (provider as { _activeSpanProcessor?: { _spanProcessors?: unknown } } | undefined)
    ?._activeSpanProcessor;
  if (typeof multi !== 'object' || multi === null || !Array.isArray(multi._spanProcessors)) return undefined;
  return {
    list: multi._spanProcessors,
    set: (list) => {
      multi._spanProcessors = list;
    },
  };
}

// Optional peers, of whatever version the application has: nothing more is asked of them than this.
interface Sdk {
  TracerProvider?: new (options: object) => { getTracer: (name: string) => never };
  BasicTracerProvider?: Sdk['TracerProvider'];
}
interface Resources {
  defaultResource(): { merge(other: unknown): unknown };
  resourceFromAttributes(attributes: object): unknown;
}
interface Core {
  CompositePropagator: new (options: { propagators: unknown[] }) => TextMapPropagator;
  W3CTraceContextPropagator: new () => unknown;
  W3CBaggagePropagator: new () => unknown;
}
interface AsyncHooks {
  AsyncLocalStorageContextManager: new () => { enable(): Parameters<typeof context.setGlobalContextManager>[0] };
}

async function registerOwn(processor: BeaconSpanProcessor): Promise<Attachment> {
  const sdk = (await optional('@opentelemetry/sdk-trace')) ?? (await optional('@opentelemetry/sdk-trace-base'));
  const resources = await optional('@opentelemetry/resources');
  const core = await optional('@opentelemetry/core');
  const hooks = await optional('@opentelemetry/context-async-hooks');
  const Provider = (sdk as Sdk | undefined)?.TracerProvider ?? (sdk as Sdk | undefined)?.BasicTracerProvider;
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
  const { defaultResource, resourceFromAttributes } = resources as Resources;
  const resource = defaultResource().merge(
    resourceFromAttributes({ 'service.name': processor.service, 'service.instance.id': processor.instance }),
  );
  const provider = new Provider({ resource, spanProcessors: [processor] });
  if (!hasContextManager()) {
    context.setGlobalContextManager(new (hooks as AsyncHooks).AsyncLocalStorageContextManager().enable());
  }
  if (propagation.fields().length === 0) {
    const { CompositePropagator, W3CTraceContextPropagator, W3CBaggagePropagator } = core as Core;
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  }
  trace.setGlobalTracerProvider(provider);
  const version = sdkVersionOf(provider);
  return { processor, to: `a provider of its own${version ? ` (OpenTelemetry SDK ${version})` : ''}` };
}

async function optional(name: string): Promise<unknown> {
  return await import(name).catch(() => undefined);
}

/** Whether contexts get through here already: a second manager cannot be registered, and asking for one logs an error. */
function hasContextManager(): boolean {
  const probe = createContextKey('beacon probe');
  return context.with(ROOT_CONTEXT.setValue(probe, true), () => context.active().getValue(probe) === true);
}
