// The span processors a provider hands its spans to.

/** Whether this provider hands its spans to the processor. */
export function hands(provider: unknown, processor: unknown): boolean {
  return processorsOf(provider)?.list.includes(processor) === true;
}

export interface Processors {
  list: unknown[];
  set(list: unknown[]): void;
}

/**
 * The SDKs 2.x and 3.x take processors in the constructor only, and keep them where all their tracers look at every
 * span; both versions are tested for it.
 */
export function processorsOf(provider: unknown): Processors | undefined {
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
