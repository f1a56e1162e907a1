// Faults that tests and demonstrations can switch, one a region.
import { z } from 'zod';

export const FAULTS = [
  'cold_start',
  'slow',
  'hang',
  'refuse',
  'rate_limit',
  'error_500',
  'out_of_memory',
  'wrong_key',
  'unknown_model',
  'empty_output',
  'malformed_body',
  'cut',
  'crash',
  'other_answer',
  'refusal',
  'truncated',
  'wrong_region',
  'drifted_model',
  'error_as_answer',
] as const;

export type FaultName = (typeof FAULTS)[number];

/** How long a fault that takes time takes, milliseconds, by default. */
const DEFAULT_DELAY_MS: Partial<Record<FaultName, number>> = { cold_start: 1500, slow: 3000, crash: 2000 };

export const faultSchema = z
  .strictObject({
    fault: z.enum(FAULTS),
    delayMs: z.int().min(0).max(600_000).optional(),
    times: z.int().min(1).optional(),
    about: z.string().min(1).optional(),
  })
  .refine(({ fault, times }) => fault !== 'refuse' || times === undefined, {
    path: ['times'],
    error: 'A refused connection cannot be counted; delete the fault to end it.',
  })
  .refine(({ fault, about }) => fault !== 'refuse' || about === undefined, {
    path: ['about'],
    error: 'A refused connection refuses every question.',
  })
  .refine(({ fault, delayMs }) => delayMs === undefined || fault in DEFAULT_DELAY_MS, {
    path: ['delayMs'],
    error: `Only ${Object.keys(DEFAULT_DELAY_MS).join(', ')} take a time.`,
  });

export interface Fault {
  fault: FaultName;
  /** Milliseconds; 0 for faults that take no time. */
  delayMs: number;
  /** Requests left that it applies to; null until it is deleted. */
  times: number | null;
  /** Only questions that contain this meet it; null for all. */
  about: string | null;
}

/** What is switched on now. */
export class Faults {
  readonly #active = new Map<string, Fault>();
  readonly #ended = new Map<string, AbortController>();
  readonly #changed: (region: string, fault: Fault | undefined) => Promise<void>;

  /** @param changed called at every switch, because a refused connection needs the listener itself. */
  constructor(changed: (region: string, fault: Fault | undefined) => Promise<void>) {
    this.#changed = changed;
  }

  async set(region: string, { fault, delayMs, times, about }: z.infer<typeof faultSchema>): Promise<Fault> {
    const active = {
      fault,
      delayMs: delayMs ?? DEFAULT_DELAY_MS[fault] ?? 0,
      times: times ?? null,
      about: about ?? null,
    };
    this.#end(region);
    this.#active.set(region, active);
    await this.#changed(region, active);
    return active;
  }

  async clear(region: string): Promise<void> {
    this.#end(region);
    this.#active.delete(region);
    await this.#changed(region, undefined);
  }

  /** Aborted when the region's present fault is deleted or replaced. */
  ended(region: string): AbortSignal {
    const controller = this.#ended.get(region) ?? new AbortController();
    this.#ended.set(region, controller);
    return controller.signal;
  }

  #end(region: string): void {
    this.#ended.get(region)?.abort();
    this.#ended.delete(region);
  }

  all(): Record<string, Fault> {
    return Object.fromEntries(this.#active);
  }

  /** The fault the next request of this region meets; counts it where the fault is counted. */
  take(region: string | undefined, question: string): Fault | undefined {
    const active = region === undefined ? undefined : this.#active.get(region);
    if (active?.about != null && !question.includes(active.about)) return undefined;
    if (region === undefined || active?.times == null) return active;
    active.times--;
    if (active.times === 0) this.#active.delete(region);
    return { ...active };
  }
}
