// The executions this process works on now: kept alive by heartbeats, ended early when they are no longer ours.
import { AttemptError } from './errors.ts';
import { type Claim, heartbeat } from './executions.ts';
import type { Database } from './store.ts';

/** Why an attempt ends without a result of its own. */
export class LeaseLost extends Error {}

/** The process is stopping and has no more time to wait. */
export class Stopping extends Error {}

interface Held {
  claim: Claim;
  controller: AbortController;
  timer: NodeJS.Timeout;
}

export class Leases {
  readonly #held = new Map<string, Held>();
  readonly #timer: NodeJS.Timeout;

  /** @param staleAfterMs others take an execution over after that long without a heartbeat. */
  constructor(db: Database, staleAfterMs: number, onError: (error: Error) => void) {
    this.#timer = setInterval(
      () => {
        this.#beat(db).catch(onError);
      },
      Math.ceil(staleAfterMs / 4),
    );
    this.#timer.unref();
  }

  /** Aborted when the attempt has to end: its time is up, it was cancelled or taken over, or the process stops. */
  hold(claim: Claim, timeoutMs: number): AbortSignal {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort(new AttemptError('timeout', `No result within ${timeoutMs} ms.`, { transient: true }));
    }, timeoutMs);
    this.#held.set(claim.lease, { claim, controller, timer });
    return controller.signal;
  }

  release({ lease }: Claim): void {
    clearTimeout(this.#held.get(lease)?.timer);
    this.#held.delete(lease);
  }

  get size(): number {
    return this.#held.size;
  }

  /** Ends the attempts of these executions where this process has them. */
  drop(executionIds: readonly number[]): void {
    for (const { claim, controller } of this.#held.values()) {
      if (executionIds.includes(Number(claim.executionId))) controller.abort(new LeaseLost('cancelled'));
    }
  }

  /** Ends every attempt, so that its execution is handed back. */
  stop(): void {
    for (const { controller } of this.#held.values()) controller.abort(new Stopping('The runner is stopping.'));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #beat(db: Database): Promise<void> {
    if (this.#held.size === 0) return;
    const before = [...this.#held.keys()];
    const ours = await heartbeat(db, before);
    for (const lease of before)
      if (!ours.has(lease)) this.#held.get(lease)?.controller.abort(new LeaseLost('taken over'));
  }
}
