// An OTLP request to a batch of COPY lines, in one go: it is not interrupted, and leaves no objects behind.
import { EncodedBatch, type Redactor } from '@project-beacon/writer';
import { CopyWriter, SpanError } from './copy-writer.ts';
import { BufferPool } from './pool.ts';
import { type Range, type ResourceInfo, ResourceTable } from './resource.ts';
import { SpanEncoder } from './span-encoder.ts';

/** A span that was not stored, and why. */
export interface RejectedSpan {
  /** A few words of one kind, to be counted by. */
  reason: string;
  /** Which span, and what was wrong with it. */
  message: string;
}

export interface Decoded {
  batch: EncodedBatch;
  /** Of the batch's lines. */
  bytes: number;
  /** Spans in the request, those that are rejected included. */
  received: number;
  rejected: RejectedSpan[];
  /** Values taken out as secrets. */
  redacted: number;
}

export class Decoder {
  readonly #pool: BufferPool;
  readonly #scribe: CopyWriter;
  readonly #spans: SpanEncoder;
  readonly #resources: ResourceTable;
  #lastResource: ResourceInfo | undefined;

  /** @param pool Where the memory of batches comes from, and goes when they are written. */
  constructor(redactor: Redactor, pool: BufferPool = new BufferPool()) {
    this.#pool = pool;
    this.#scribe = new CopyWriter(redactor);
    this.#spans = new SpanEncoder(this.#scribe);
    this.#resources = new ResourceTable(this.#scribe);
  }

  /**
   * Decodes an ExportTraceServiceRequest.
   *
   * @throws MalformedError when the bytes are no such message; nothing of it is to be stored then.
   */
  decode(request: Buffer): Decoded {
    const scribe = this.#scribe;
    const made: Decoded = { batch: new EncodedBatch(), bytes: 0, received: 0, rejected: [], redacted: 0 };
    scribe.bytes = request;
    scribe.at = 0;
    scribe.to = 0;
    this.#lastResource = undefined;
    try {
      while (scribe.at < request.length) {
        const tag = scribe.varint(request.length);
        if (tag !== 0x0a) {
          scribe.skip(tag, request.length);
          continue;
        }
        const end = scribe.end(request.length);
        this.#resourceSpans(scribe.at, end, made);
        scribe.at = end;
      }
      if (scribe.to > 0) {
        const memory = this.#pool.take(scribe.to);
        scribe.out.copy(memory, 0, 0, scribe.to);
        made.bytes = scribe.to;
        const lines = memory.subarray(0, made.bytes);
        const count = made.received - made.rejected.length;
        made.batch.addLines(lines, count, this.#repaired, () => this.#pool.give(memory));
      }
      return made;
    } finally {
      this.#repaired = 0;
      scribe.rest();
    }
  }

  #repaired = 0;

  #resourceSpans(from: number, to: number, made: Decoded): void {
    const scribe = this.#scribe;
    const resource = { from: 0, to: 0 };
    const url = { from: 0, to: 0 };
    const scopes: number[] = [];
    scribe.at = from;
    while (scribe.at < to) {
      const tag = scribe.varint(to);
      if (tag === 0x0a) this.#range(resource, to);
      else if (tag === 0x1a) this.#range(url, to);
      else if (tag === 0x12) {
        const end = scribe.end(to);
        scopes.push(scribe.at, end);
        scribe.at = end;
      } else scribe.skip(tag, to);
    }
    for (let i = 0; i < scopes.length; i += 2) this.#scopeSpans(scopes[i]!, scopes[i + 1]!, resource, url, made);
  }

  #range(range: Range, end: number): void {
    range.to = this.#scribe.end(end);
    range.from = this.#scribe.at;
    this.#scribe.at = range.to;
  }

  #scopeSpans(from: number, to: number, resource: Range, resourceUrl: Range, made: Decoded): void {
    const scribe = this.#scribe;
    const scope = { from: 0, to: 0 };
    const url = { from: 0, to: 0 };
    const spans: number[] = [];
    scribe.at = from;
    while (scribe.at < to) {
      const tag = scribe.varint(to);
      if (tag === 0x0a) this.#range(scope, to);
      else if (tag === 0x1a) this.#range(url, to);
      else if (tag === 0x12) {
        const end = scribe.end(to);
        spans.push(scribe.at, end);
        scribe.at = end;
      } else scribe.skip(tag, to);
    }
    if (spans.length === 0) return;
    made.received += spans.length / 2;
    let info: ResourceInfo;
    try {
      info = this.#resources.find(resource, resourceUrl, scope, url);
    } catch (error) {
      if (!(error instanceof SpanError)) throw error;
      for (let i = 0; i < spans.length; i += 2) {
        made.rejected.push({ reason: 'resource', message: `a span: ${error.message} (of its resource)` });
      }
      return;
    }
    for (let i = 0; i < spans.length; i += 2) this.#span(spans[i]!, spans[i + 1]!, info, made);
  }

  #span(from: number, to: number, info: ResourceInfo, made: Decoded): void {
    const scribe = this.#scribe;
    const start = scribe.to;
    try {
      this.#spans.write(from, to, info);
    } catch (error) {
      if (!(error instanceof SpanError)) throw error;
      scribe.to = start;
      made.rejected.push({ reason: reasonOf(error), message: `${this.#spans.describe()}: ${error.message}` });
      return;
    }
    made.redacted += scribe.redacted;
    if (scribe.repairs !== undefined && scribe.repairs.count > 0) this.#repaired++;
    made.batch.summaries.add(this.#spans.facts, 'new');
    if (info !== this.#lastResource) {
      this.#lastResource = info;
      made.batch.resources.set(info.row.id, info.row);
      made.redacted += info.redacted;
    }
  }
}

function reasonOf({ message }: SpanError): string {
  if (/time/.test(message)) return 'no_time';
  if (/nests/.test(message)) return 'too_deep';
  return 'invalid_id';
}
