// Turns an OTLP trace request into batches of COPY lines, without an object per span. A small request is decoded in one go;
// a large one in time slices, between which others are answered, and in batches, so that it is never in memory twice.
import { EncodedBatch, type Redactor, TimeSlice } from '@project-beacon/writer';
import { CopyWriter, type Objection, SpanError } from './copy-writer.ts';
import { BufferPool } from './pool.ts';
import { Rejections } from './rejections.ts';
import { type Range, type ResourceInfo, ResourceTable } from './resource.ts';
import { SpanEncoder } from './span-encoder.ts';

export interface Decoded {
  batch: EncodedBatch;
  /** Size of the batch's lines. */
  bytes: number;
  /** Spans read, those that are rejected included. */
  received: number;
  rejected: Rejections;
  /** Values taken out as secrets. */
  redacted: number;
}

/** Bytes of lines after which a large request's batch is handed over. */
const BATCH_BYTES = 4 << 20;
/** How much is decoded between two looks at the clock. */
const STRIDE_SPANS = 16;
const STRIDE_BYTES = 64 * 1024;

// Tags of fields that hold messages or texts, by number: one level's resource or scope, its content, the URL of its schema.
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const FIELD_3 = 0x1a;

export class Decoder {
  readonly #pool: BufferPool;
  readonly #line: CopyWriter;
  readonly #spans: SpanEncoder;
  readonly #resources: ResourceTable;
  #made: Decoded = nothingYet();
  #lastResource: ResourceInfo | undefined;
  #repaired = 0;
  #slice: TimeSlice | undefined;
  #strideSpans = 0;
  #strideFrom = 0;

  /** @param pool Where the memory of batches comes from, and goes when they are written. */
  constructor(redactor: Redactor, pool: BufferPool = new BufferPool()) {
    this.#pool = pool;
    this.#line = new CopyWriter(redactor);
    this.#spans = new SpanEncoder(this.#line);
    this.#resources = new ResourceTable(this.#line);
  }

  /**
   * Decodes an ExportTraceServiceRequest in one go.
   *
   * @throws MalformedError when the bytes are no such message; nothing of it is to be stored then.
   */
  decode(request: Buffer): Decoded {
    this.#slice = undefined;
    // Without a slice it never yields.
    const { value } = this.#run(request).next();
    return value as Decoded;
  }

  /**
   * Decodes an ExportTraceServiceRequest batch by batch; yields undefined whenever others should have their turn. Nothing
   * else may be decoded by this decoder meanwhile.
   *
   * @throws MalformedError when the bytes are no such message; batches already yielded stay valid.
   */
  *batches(request: Buffer): Generator<Decoded | undefined, void> {
    this.#slice = new TimeSlice();
    const last = yield* this.#run(request);
    yield last;
  }

  /** Starts another slice of time. */
  resume(): void {
    this.#slice = new TimeSlice();
  }

  *#run(request: Buffer): Generator<Decoded | undefined, Decoded> {
    const line = this.#line;
    line.bytes = request;
    line.at = 0;
    this.#begin();
    try {
      while (line.at < request.length) {
        const tag = line.varint(request.length);
        if (tag !== FIELD_1) {
          line.skip(tag, request.length);
          continue;
        }
        const end = line.lengthDelimitedEnd(request.length);
        yield* this.#resourceSpans(line.at, end);
        line.at = end;
        if (this.#isTime()) yield undefined;
      }
      return this.#finish();
    } finally {
      line.rest();
    }
  }

  #begin(): void {
    this.#made = nothingYet();
    this.#lastResource = undefined;
    this.#repaired = 0;
    this.#line.to = 0;
    this.#strideSpans = this.#strideFrom = 0;
  }

  /** The lines so far as a batch. */
  #finish(): Decoded {
    const made = this.#made;
    const line = this.#line;
    if (line.to > 0) {
      const memory = this.#pool.take(line.to);
      line.out.copy(memory, 0, 0, line.to);
      made.bytes = line.to;
      const lines = memory.subarray(0, made.bytes);
      const count = made.received - made.rejected.count;
      made.batch.addLines(lines, count, this.#repaired, () => this.#pool.give(memory));
    }
    this.#begin();
    return made;
  }

  /** Whether it is time to hand something over: a batch, or a turn. */
  #isTime(): boolean {
    if (this.#slice === undefined) return false;
    if (++this.#strideSpans < STRIDE_SPANS && this.#line.to - this.#strideFrom < STRIDE_BYTES) return false;
    this.#strideSpans = 0;
    this.#strideFrom = this.#line.to;
    return this.#line.to >= BATCH_BYTES || this.#slice.isOver();
  }

  *#resourceSpans(from: number, to: number): Generator<Decoded | undefined, void> {
    const line = this.#line;
    const resource = { from: 0, to: 0 };
    const url = { from: 0, to: 0 };
    let scopes = 0;
    line.at = from;
    while (line.at < to) {
      const tag = line.varint(to);
      if (tag === FIELD_1) this.#range(resource, to);
      else if (tag === FIELD_3) this.#range(url, to);
      else {
        if (tag === FIELD_2) scopes++;
        line.skip(tag, to);
      }
    }
    line.at = from;
    for (let left = scopes; left > 0; ) {
      const tag = line.varint(to);
      if (tag !== FIELD_2) {
        line.skip(tag, to);
        continue;
      }
      left--;
      const end = line.lengthDelimitedEnd(to);
      yield* this.#scopeSpans(line.at, end, resource, url);
      line.at = end;
    }
  }

  #range(range: Range, end: number): void {
    range.to = this.#line.lengthDelimitedEnd(end);
    range.from = this.#line.at;
    this.#line.at = range.to;
  }

  *#scopeSpans(from: number, to: number, resource: Range, resourceUrl: Range): Generator<Decoded | undefined, void> {
    const line = this.#line;
    const scope = { from: 0, to: 0 };
    const url = { from: 0, to: 0 };
    let spans = 0;
    line.at = from;
    while (line.at < to) {
      const tag = line.varint(to);
      if (tag === FIELD_1) this.#range(scope, to);
      else if (tag === FIELD_3) this.#range(url, to);
      else {
        if (tag === FIELD_2) spans++;
        line.skip(tag, to);
      }
    }
    if (spans === 0) {
      if (this.#isTime()) yield undefined;
      return;
    }
    const info = this.#resource(resource, resourceUrl, scope, url);
    line.at = from;
    for (let left = spans; left > 0; ) {
      const tag = line.varint(to);
      if (tag !== FIELD_2) {
        line.skip(tag, to);
        continue;
      }
      left--;
      const end = line.lengthDelimitedEnd(to);
      this.#made.received++;
      if (info instanceof SpanError)
        this.#made.rejected.add('resource', () => `a span: of its resource: ${info.message}`);
      else this.#span(line.at, end, info);
      line.at = end;
      if (this.#isTime()) yield line.to >= BATCH_BYTES ? this.#finish() : undefined;
    }
  }

  /** The resource, or why it cannot be stored. */
  #resource(resource: Range, resourceUrl: Range, scope: Range, url: Range): ResourceInfo | SpanError {
    try {
      return this.#resources.find(resource, resourceUrl, scope, url);
    } catch (error) {
      if (!(error instanceof SpanError)) throw error;
      return error;
    }
  }

  #span(from: number, to: number, info: ResourceInfo): void {
    const line = this.#line;
    const made = this.#made;
    const start = line.to;
    let objection: Objection | null;
    try {
      objection = this.#spans.write(from, to, info);
    } catch (error) {
      if (!(error instanceof SpanError)) throw error;
      objection = error;
    }
    if (objection !== null) {
      line.to = start;
      const { reason, message } = objection;
      made.rejected.add(reason, () => `${this.#spans.describe()}: ${message}`);
      return;
    }
    made.redacted += line.redacted;
    if (line.repairs !== undefined && line.repairs.count > 0) this.#repaired++;
    made.batch.summaries.add(this.#spans.facts, 'new');
    if (info !== this.#lastResource) {
      this.#lastResource = info;
      made.batch.resources.set(info.row.id, info.row);
      made.redacted += info.redacted;
    }
  }
}

function nothingYet(): Decoded {
  return { batch: new EncodedBatch(), bytes: 0, received: 0, rejected: new Rejections(), redacted: 0 };
}
