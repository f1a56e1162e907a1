// A batch between the spans it came from and the table it goes to: the bytes of a COPY, outside the JavaScript heap. A
// thousand spans that wait for the database as objects would be copied by the garbage collector again and again.
import { decodeLine, encodeResource, encodeRow, factsOf, type SpanFacts } from './encode.ts';
import { Redactor } from './redact/redactor.ts';
import type { EncodedResource, ResourceRow, SpanRow } from './row.ts';
import { Summaries } from './summary.ts';

// Large enough that a chunk costs nothing to send, small enough that one is no pause.
const CHUNK_BYTES = 64 * 1024;
const MAX_SPARE = 32;
const spare: Buffer[] = [];
const usual = new Redactor();

export class EncodedBatch {
  /** Lines for COPY, each with its end; full but for the last. */
  readonly #chunks: Buffer[] = [];
  readonly #memory: Buffer[] = [];
  readonly #owners: (() => void)[] = [];
  #last: Buffer | undefined;
  #used = 0;
  /** Lines of rows that may be there as `started`; few. */
  readonly updates: string[] = [];
  readonly resources = new Map<string, EncodedResource>();
  readonly summaries = new Summaries();
  /** Rows in all. */
  count = 0;
  /** Of these, rows of spans that are still open. */
  open = 0;
  /** Of these, rows in which something had to be replaced or cut. */
  repaired = 0;
  /** Values taken out of them as secrets. */
  redacted = 0;
  readonly #redactor: Redactor;
  #lastResource: ResourceRow | null = null;

  /** @param redactor Of the rows that are added; lines that come encoded have been through one. */
  constructor(redactor: Redactor = usual) {
    this.#redactor = redactor;
  }

  /** Rows to be copied: all but the updates. */
  get copied(): number {
    return this.count - this.updates.length;
  }

  add(row: SpanRow): void {
    const { line, facts, repaired, redacted } = encodeRow(row, this.#redactor);
    this.repaired += repaired;
    this.redacted += redacted;
    if (row.resource !== null && row.resource !== this.#lastResource) {
      this.#lastResource = row.resource;
      if (!this.resources.has(row.resource.id)) {
        const encoded = encodeResource(row.resource, this.#redactor);
        this.resources.set(row.resource.id, encoded.resource);
        this.redacted += encoded.redacted;
      }
    }
    this.#addLine(line, facts, row.update);
  }

  /**
   * Takes lines that were encoded elsewhere, in the format and with the columns of `encodeRow`. Their facts and
   * resources are the caller's to add.
   *
   * @param lines UTF-8, each line with its end; must not change until `done`.
   * @param done Called when the memory of the lines is free again; never after a failure.
   */
  addLines(lines: Buffer, count: number, repaired: number, done?: () => void): void {
    this.#seal();
    if (done) this.#owners.push(done);
    this.#chunks.push(lines);
    this.count += count;
    this.repaired += repaired;
  }

  /** One batch of several, in their order, over the same memory: none of them may be recycled before it is written. */
  static joined(batches: readonly EncodedBatch[]): EncodedBatch {
    const made = new EncodedBatch();
    for (const batch of batches) {
      made.#chunks.push(...batch.chunks());
      made.updates.push(...batch.updates);
      made.summaries.merge(batch.summaries);
      for (const [id, resource] of batch.resources) made.resources.set(id, resource);
      made.count += batch.count;
      made.open += batch.open;
      made.repaired += batch.repaired;
      made.redacted += batch.redacted;
    }
    return made;
  }

  /** A batch of some of this one's lines. */
  only(lines: readonly string[], which: readonly number[]): EncodedBatch {
    const made = new EncodedBatch();
    const copied = lines.length - this.updates.length;
    for (const i of which) made.#addLine(lines[i]!, factsOf(decodeLine(lines[i]!)), i >= copied);
    for (const [id, resource] of this.resources) made.resources.set(id, resource);
    return made;
  }

  /** The COPY text, piece by piece. */
  *chunks(): Generator<Buffer> {
    yield* this.#chunks;
    if (this.#last) yield this.#last.subarray(0, this.#used);
  }

  /** All lines, the updates last. */
  lines(): string[] {
    return [
      ...Buffer.concat([...this.chunks()])
        .toString('utf8')
        .split('\n')
        .slice(0, -1),
      ...this.updates,
    ];
  }

  /** Two batches with half of the rows each. */
  halves(): [EncodedBatch, EncodedBatch] {
    const lines = this.lines();
    const all = [...lines.keys()];
    const middle = lines.length >> 1;
    return [this.only(lines, all.slice(0, middle)), this.only(lines, all.slice(middle))];
  }

  /** Gives its memory to the next batch. Only after the database has answered: until then a socket may hold it. */
  recycle(): void {
    for (const memory of this.#memory) if (spare.length < MAX_SPARE) spare.push(memory);
    for (const done of this.#owners.splice(0)) done();
    this.#memory.length = 0;
    this.#chunks.length = 0;
    this.#last = undefined;
  }

  #addLine(line: string, facts: SpanFacts, update: boolean): void {
    this.count++;
    if (facts.status === 'started') this.open++;
    if (update) {
      this.updates.push(line);
      return;
    }
    this.summaries.add(facts, 'new');
    // A UTF-16 unit is at most three bytes.
    const max = line.length * 3 + 1;
    if (max > CHUNK_BYTES) {
      this.#seal();
      this.#chunks.push(Buffer.from(`${line}\n`));
      return;
    }
    if (this.#last && this.#used + max > CHUNK_BYTES) this.#seal();
    if (!this.#last) {
      this.#last = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#memory.push(this.#last);
    }
    this.#used += this.#last.write(line, this.#used);
    this.#last[this.#used++] = 0x0a;
  }

  #seal(): void {
    if (this.#last) this.#chunks.push(this.#last.subarray(0, this.#used));
    this.#last = undefined;
    this.#used = 0;
  }
}
