// What the registered provider's sampler decides, by asking it: names and settings of samplers differ, decisions do not.
import { randomBytes } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';

export interface Sampling {
  /** In its own words; null where it cannot be seen. */
  name: string | null;
  /** Share of root spans it records and samples, 0 to 1; null where it cannot be asked. */
  keeps: number | null;
}

interface Sampler {
  shouldSample(...args: unknown[]): { decision: number };
}

const ASKED = 100;
// SamplingDecision.RECORD_AND_SAMPLED of the SDKs 1.x to 3.x.
const SAMPLED = 2;

// A sampler is asked once: one that counts (a rate limit) must not be worn out by heartbeats.
const known = new WeakMap<object, Sampling>();

/** Never throws. */
export function samplingOf(provider: unknown): Sampling {
  try {
    const sampler = samplerOf(provider);
    if (!sampler) return { name: null, keeps: null };
    const found = known.get(sampler) ?? { name: String(sampler), keeps: keptBy(sampler) };
    known.set(sampler, found);
    return found;
  } catch {
    return { name: null, keeps: null };
  }
}

function samplerOf(provider: unknown): Sampler | undefined {
  const { getTracer } = (provider ?? {}) as { getTracer?: (name: string) => { _sampler?: Sampler } };
  const sampler = getTracer?.call(provider, 'beacon')?._sampler;
  return typeof sampler?.shouldSample === 'function' ? sampler : undefined;
}

function keptBy(sampler: Sampler): number | null {
  let kept = 0;
  for (let i = 0; i < ASKED; i++) {
    const traceId = randomBytes(16).toString('hex');
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, 'beacon.probe', SpanKind.INTERNAL, {}, []);
    if (decision === SAMPLED) kept++;
  }
  return kept / ASKED;
}
