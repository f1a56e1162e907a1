// Rules are evaluated and deliveries sent, again and again, by every server that does maintenance: each takes what no other has.
import type pg from 'pg';
import { type Rounds, startRounds } from '../maintenance/rounds.ts';
import { deliverer } from './deliver.ts';
import { evaluateRules } from './evaluate.ts';
import type { Around } from './payloads.ts';

export interface AlertOptions extends Partial<Around> {
  /** Pause between two rounds, milliseconds. Default 1,000. */
  intervalMs?: number;
  /** Called with failures, at most once a minute. */
  warn?: (message: string) => void;
}

const WARN_EVERY_MS = 60_000;

export function startAlerts(pool: pg.Pool, options: AlertOptions = {}): Rounds {
  const { env = process.env, now = Date.now, publicUrl = env.BEACON_PUBLIC_URL || undefined } = options;
  const delivery = deliverer(pool, { env, publicUrl, now });
  let warnedAt = Number.NEGATIVE_INFINITY;

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (now() - warnedAt < WARN_EVERY_MS) return;
      warnedAt = now();
      options.warn?.(`Alerts: ${(error as Error).message}`);
    }
  }

  async function round(): Promise<void> {
    await attempt(() => evaluateRules(pool));
    await attempt(() => delivery.round());
  }

  return startRounds(round, () => options.intervalMs ?? 1_000);
}
