// Spans that were not stored. There may be millions of them in one request: all are counted, and a few are described.

/** Lines about single spans in an answer; the rest is a number. */
const NAMED = 20;

export class Rejections {
  count = 0;
  /** By a few words of one kind. */
  readonly reasons: Record<string, number> = {};
  /** Which span, and what was wrong with it. */
  readonly messages: string[] = [];

  /** @param describe Called only for those that are described. */
  add(reason: string, describe: () => string): void {
    this.count++;
    this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    if (this.messages.length < NAMED) this.messages.push(describe());
  }

  merge({ count, reasons, messages }: Rejections): void {
    this.count += count;
    for (const [reason, times] of Object.entries(reasons)) this.reasons[reason] = (this.reasons[reason] ?? 0) + times;
    this.messages.push(...messages.slice(0, Math.max(0, NAMED - this.messages.length)));
  }

  /** One line; empty when there are none. */
  sentence(): string {
    const left = this.count - this.messages.length;
    return [...this.messages, ...(left > 0 ? [`and ${left} more`] : [])].join('; ').toWellFormed();
  }
}
