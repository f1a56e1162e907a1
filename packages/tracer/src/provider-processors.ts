// The span processors a provider hands its spans to.

/** Whether this provider hands its spans to the processor. */
export function hands(provider: unknown, processor: unknown): boolean {
  return processorsOf(provider)?.list.includes(processor) === true;
}

export interface Processors {
  list: unknown[];
  set(list: unknown[]): void;
}

interface Multi {
  _spanProcessors?: unknown;
}

/**
 * The SDKs from 1.x to 3.x take processors in the constructor, and keep them where all their tracers look at every span
 * (1.x under a name without an underscore); all three are tested for it.
 */
export function processorsOf(provider: unknown): Processors | undefined {
  const known = provider as { _activeSpanProcessor?: Multi; activeSpanProcessor?: Multi } | undefined;
  const multi = known?._activeSpanProcessor ?? known?.activeSpanProcessor;
  if (typeof multi !== 'object' || multi === null || !Array.isArray(multi._spanProcessors)) return undefined;
  return {
    list: multi._spanProcessors,
    set: (list) => {
      multi._spanProcessors = list;
    },
  };
}
