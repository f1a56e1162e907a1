// Large answers about traces at rest: making one takes a second or two, and a link to a trace is opened more than once.

/** Answers by key and version, the least recently asked for dropped first. */
export class Kept {
  readonly #answers = new Map<string, { version: string; body: Buffer }>();
  readonly #limit: number;
  #bytes = 0;

  /** @param limit Most bytes in all. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The answer of that version; an older one is forgotten. */
  get(key: string, version: string): Buffer | undefined {
    const found = this.#answers.get(key);
    if (!found) return undefined;
    this.#forget(key);
    if (found.version !== version) return undefined;
    this.put(key, version, found.body);
    return found.body;
  }

  put(key: string, version: string, body: Buffer): void {
    this.#forget(key);
    if (body.length > this.#limit) return;
    this.#answers.set(key, { version, body });
    this.#bytes += body.length;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#answers.get(key)?.body.length ?? 0;
    this.#answers.delete(key);
  }
}
