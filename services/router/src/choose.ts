import { RouterError } from './errors.ts';
import type { Provider } from './provider.ts';

/**
 * Providers of a region that serve a model, in the order to ask them: as configured, those with an open circuit last.
 *
 * @throws RouterError `no_provider` (503) or `model_not_found` (404) when there is none.
 */
export function candidates(providers: readonly Provider[], model: string, region: string): Provider[] {
  const inRegion = providers.filter((provider) => provider.config.region === region);
  if (inRegion.length === 0) {
    const regions = [...new Set(providers.map((provider) => provider.config.region))].join(', ') || 'none at all';
    throw new RouterError(503, 'no_provider', `No provider is configured in ${region}; regions with one: ${regions}.`, {
      param: 'region',
    });
  }
  const serving = inRegion.filter((provider) => provider.serves(model));
  if (serving.length === 0) {
    throw new RouterError(404, 'model_not_found', `No provider in ${region} serves ${model}.`, { param: 'model' });
  }
  const isOpen = (provider: Provider) => Number(provider.circuit() === 'open');
  return serving.toSorted((a, b) => isOpen(a) - isOpen(b));
}
