/** Keeps a long piece of work from holding the event loop: it works in slices, and yields between them. */
export class TimeSlice {
  readonly #sliceMs: number;
  #until: number;

  /** @param sliceMs Milliseconds of one slice. Default 2. */
  constructor(sliceMs = 2) {
    this.#sliceMs = sliceMs;
    this.#until = performance.now() + sliceMs;
  }

  isOver(): boolean {
    return performance.now() >= this.#until;
  }

  async yield(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#until = performance.now() + this.#sliceMs;
  }
}
