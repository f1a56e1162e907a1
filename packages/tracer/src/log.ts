const A_MINUTE = 60_000;

/** One line at the first trouble, then at most one a minute, with how many were kept back. */
export class TroubleLog {
  readonly #log: (line: string) => void;
  #quietUntil = 0;
  #keptBack = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  say(line: string): void {
    const now = performance.now();
    if (now < this.#quietUntil) {
      this.#keptBack++;
      return;
    }
    const more = this.#keptBack > 0 ? ` (${this.#keptBack} more such lines in the last minute)` : '';
    this.#quietUntil = now + A_MINUTE;
    this.#keptBack = 0;
    safely(() => this.#log(`${line}${more}`));
  }
}

/** What an application hands over may throw; tracing must not pass that on. */
export function safely(work: () => void): void {
  try {
    work();
  } catch {
    // There is nowhere left to say it.
  }
}
