// Work done again and again until it is stopped.

export interface Rounds {
  /** One round now, or after the running one; never rejects. */
  round(): Promise<void>;
  /** No new round; resolves when the running one has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the first round; rounds never overlap.
 *
 * @param work One round; must not reject.
 * @param pauseMs Milliseconds until the next one, asked after each.
 */
export function startRounds(work: () => Promise<void>, pauseMs: () => number): Rounds {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  function round(): Promise<void> {
    running = running.then(work);
    return running;
  }

  function next(): void {
    running = round().then(() => {
      if (!stopped) timer = setTimeout(next, pauseMs());
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
