// How the processor gets to see spans: through the provider the application has registered, or one of its own.
import type { BeaconSpanProcessor } from './processor.ts';
import { isBeaconProcessor } from './processor.ts';
import { processorsOf } from './provider-processors.ts';
import { className, foreignProvider, registeredApi, registeredProvider } from './registered.ts';
import { byHand } from './remedies.ts';
import { sdkVersionOf } from './versions.ts';

export interface Attachment {
  /** What it is attached to, in words; null when it could not be. */
  to: string | null;
  /** The line to say; undefined when there is nothing unusual. */
  line?: string;
}

/** The processor the registered provider has already, which an application may have put there by hand. */
export function attachedProcessor(): BeaconSpanProcessor | undefined {
  const list = processorsOf(registeredProvider())?.list ?? [];
  return list.find((one) => isBeaconProcessor(one) && one.enabled && !one.isStopped) as BeaconSpanProcessor | undefined;
}

/** Attaches to the registered provider, or registers one. Never throws. */
export async function attach(processor: BeaconSpanProcessor): Promise<Attachment> {
  try {
    const foreign = foreignProvider();
    if (foreign !== undefined) {
      const older = `version ${registeredApi()?.version ?? 'unknown'} of @opentelemetry/api`;
      return cannot(
        `attach to the ${className(foreign) ?? 'provider'} that ${older} registered, because the copy here is of a ` +
          'newer version: install one version for the whole application (`npm ls @opentelemetry/api` shows them)',
        byHand(foreign, 'or'),
      );
    }
    const provider = registeredProvider();
    if (provider === undefined) return await registerOwn(processor);
    const sdk = sdkVersionOf(provider);
    const name = `the registered ${className(provider) ?? 'provider'}${sdk ? ` (OpenTelemetry SDK ${sdk})` : ''}`;
    const processors = processorsOf(provider);
    if (!processors) return cannot(`attach to ${name}`, byHand(provider));
    processors.set([...processors.list, processor]);
    return { to: name, line: `DBTracer: attached to ${name}` };
  } catch (error) {
    return cannot('attach', (error as Error).message);
  }
}

/** Takes the processor out of the registered provider again. */
export function detach(processor: BeaconSpanProcessor): void {
  const processors = processorsOf(registeredProvider());
  if (processors?.list.includes(processor)) processors.set(processors.list.filter((one) => one !== processor));
}

async function registerOwn(processor: BeaconSpanProcessor): Promise<Attachment> {
  const { registerProvider } = await import('./own-provider.ts');
  const attributes = { 'service.name': processor.service, 'service.instance.id': processor.instance };
  const provider = registerProvider(attributes, processor);
  if (provider === undefined) {
    const version = registeredApi()?.version ?? 'unknown';
    return cannot(
      `register a provider, because version ${version} of @opentelemetry/api is in charge and the copy here is another`,
      'install one version for the whole application (`npm ls @opentelemetry/api` shows them)',
    );
  }
  const version = sdkVersionOf(provider);
  return { to: `a provider of its own${version ? ` (OpenTelemetry SDK ${version})` : ''}` };
}

function cannot(what: string, remedy: string): Attachment {
  return { to: null, line: `DBTracer: cannot ${what}, no span will be written; ${remedy}` };
}
