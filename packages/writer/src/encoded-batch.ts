// A batch between the spans it came from and the table it goes to: the bytes of a COPY, outside the JavaScript heap. A
// thousand spans that wait for the database as objects would be copied by the garbage collector again and again.
import { decodeLine, encodeRow, factsOf, type SpanFacts } from './encode.ts';
import type { ResourceRow, SpanRow } from './row.ts';
import { Summaries } from './summary.ts';

// Large enough that a chunk costs nothing to send, small enough that one is no pause.
const CHUNK_BYTES = 64 * 1024;
const MAX_SPARE = 32;
const spare: Buffer[] = [];

export class EncodedBatch {
  /** Lines for COPY, each with its end; full but for the last. */
  readonly #chunks: Buffer[] = [];
  readonly #memory: Buffer[] = [];
  #last: Buffer | undefined;
  #used = 0;
  /** Lines of rows that may be there as `started`; few. */
  readonly updates: string[] = [];
  readonly resources = new Map<string, ResourceRow>();
  readonly summaries = new Summaries();
  /** Rows in all. */
  count = 0;
  /** Of these, rows of spans that are still open. */
  open = 0;
  /** Of these, rows in which something had to be replaced or cut. */
  repaired = 0;
  #lastResource: ResourceRow | null = null;

  /** Rows to be copied: all but the updates. */
  get copied(): number {
    return this.count - this.updates.length;
  }

  add(row: SpanRow): void {
    const { line, facts, repaired } = encodeRow(row);
    this.repaired += repaired;
    if (row.resource !== null && row.resource !== this.#lastResource) {
      this.#lastResource = row.resource;
      this.resources.set(row.resource.id, row.resource);
    }
    this.#addLine(line, facts, row.update);
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
    const copied = lines.length - this.updates.length;
    const middle = lines.length >> 1;
    const halves: [EncodedBatch, EncodedBatch] = [new EncodedBatch(), new EncodedBatch()];
    for (const [i, line] of lines.entries()) {
      halves[i < middle ? 0 : 1].#addLine(line, factsOf(decodeLine(line)), i >= copied);
    }
    for (const half of halves) for (const [id, resource] of this.resources) half.resources.set(id, resource);
    return halves;
  }

  /** Gives its memory to the next batch. Only after the database has answered: until then a socket may hold it. */
  recycle(): void {
    for (const memory of this.#memory) if (spare.length < MAX_SPARE) spare.push(memory);
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
    const most = line.length * 3 + 1;
    if (most > CHUNK_BYTES) {
      this.#seal();
      this.#chunks.push(Buffer.from(`${line}\n`));
      return;
    }
    if (this.#last && this.#used + most > CHUNK_BYTES) this.#seal();
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
