// Rules are evaluated and deliveries sent, again and again, by every server that does maintenance: each takes what no other has.
import type pg from 'pg';
import { deliverer } from './deliver.ts';
import { evaluateRules } from './evaluate.ts';
import type { Around } from './payloads.ts';

export interface AlertOptions extends Partial<Around> {
  /** Pause between two rounds, milliseconds. Default 1,000. */
  intervalMs?: number;
  /** Called with failures, at most once a minute. */
  warn?: (message: string) => void;
}

export interface Alerts {
  /** One round now; never rejects. */
  round(): Promise<void>;
  /** No new round; resolves when the running one has ended. */
  stop(): Promise<void>;
}

const WARN_EVERY_MS = 60_000;

export function startAlerts(pool: pg.Pool, options: AlertOptions = {}): Alerts {
  const { env = process.env, now = Date.now, publicUrl = env.BEACON_PUBLIC_URL || undefined } = options;
  const delivery = deliverer(pool, { env, publicUrl, now });
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
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

  function next(): void {
    running = round().then(() => {
      if (!stopped) timer = setTimeout(next, options.intervalMs ?? 1_000);
    });
  }
  next();

  return {
    round,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
