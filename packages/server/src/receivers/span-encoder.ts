// Second pass over a span message: one line of COPY, in the order of the columns.
import { COLUMN_BYTES, decodeLine, executionOf, isTimeout, type SpanFacts } from '@project-beacon/writer';
import type { Objection } from './copy-writer.ts';
import { ROLE } from './keys.ts';
import { lastException, writeEvents, writeLinks } from './nested.ts';
import type { ResourceInfo } from './resource.ts';
import { SpanScan } from './span-scan.ts';
import { isExact, writeDuration, writeStamp } from './stamp.ts';

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
// The names of gRPC's codes; 0 is OK.
const GRPC =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );
const ERROR = 2;

const NO_TIME: Objection = { reason: 'no_time', message: 'it has neither a start nor an end time' };
const invalid = (message: string): Objection => ({ reason: 'invalid_id', message });

export class SpanEncoder extends SpanScan {
  readonly #otel: string[] = [];
  #errorType: string | null = null;
  #errorMessage: string | null = null;
  #escaped = false;
  readonly #lastTraceId = Buffer.alloc(16);
  #lastTraceText = '';
  /** Of the span last written; the same object every time. */
  readonly facts: SpanFacts = {
    traceId: '',
    spanId: '',
    isRoot: false,
    service: '',
    operation: '',
    status: '',
    startedAt: '',
    completedAt: null,
    executionId: null,
    executionKey: null,
    jobId: null,
  };

  /**
   * Writes the line of the span message between two places of the scribe's bytes.
   *
   * @returns null, or why it cannot be stored; the caller then takes back what was written of it.
   * @throws SpanError for the same reason. MalformedError when it is no span.
   */
  write(from: number, to: number, resource: ResourceInfo): Objection | null {
    const { bytes } = this.scribe;
    this.find(from, to);
    if (this.traceIdLength !== 16) return invalid(`its trace id has ${this.traceIdLength} bytes instead of 16`);
    if (this.spanIdLength !== 8) return invalid(`its span id has ${this.spanIdLength} bytes instead of 8`);
    if (isZero(bytes, this.traceId, 16)) return invalid('its trace id is all zeros');
    if (isZero(bytes, this.spanId, 8)) return invalid('its span id is all zeros');
    if (this.parentIdLength !== 0 && this.parentIdLength !== 8) {
      return invalid(`its parent span id has ${this.parentIdLength} bytes instead of 8`);
    }
    if (this.start.isZero && this.end.isZero) return NO_TIME;
    this.scribe.beginRow();
    this.#line(resource);
    return null;
  }

  #line(resource: ResourceInfo): void {
    const scribe = this.scribe;
    const { facts } = this;
    this.#otel.length = 0;
    scribe.repairs = undefined;
    scribe.redacted = 0;
    scribe.exact.length = 0;
    this.#times();
    const hasMessage = this.#findErrors();
    facts.traceId = this.#traceText();
    scribe.plain(facts.traceId);
    scribe.plain('\t\\\\x');
    scribe.hex(this.spanId, this.spanId + 8);
    facts.isRoot = this.parentIdLength === 0 || isZero(scribe.bytes, this.parentId, 8);
    if (facts.isRoot) {
      scribe.plain('\t\\N\t');
      if (this.parentIdLength > 0) scribe.say('parent_span_id', 'all zeros; taken for none');
    } else {
      scribe.plain('\t\\\\x');
      scribe.hex(this.parentId, this.parentId + 8);
      scribe.byte(TAB);
    }
    scribe.copyOf(resource.serviceColumn);
    facts.service = resource.service;
    scribe.byte(TAB);
    const nameAt = scribe.to;
    const name = scribe.column(this.nameFrom, this.nameTo, 'operation', COLUMN_BYTES.operation);
    if (name !== undefined) this.#otel.push(`"name":${JSON.stringify(name)}`);
    // Only a root's name and id are asked for.
    if (facts.isRoot) {
      [facts.operation = ''] = decodeLine(scribe.out.toString('utf8', nameAt, scribe.to)) as string[];
      facts.spanId = scribe.bytes.toString('hex', this.spanId, this.spanId + 8);
    }
    scribe.byte(TAB);
    const kind = KINDS[this.kind];
    if (kind === undefined || this.kind === 0) this.#otel.push(`"kind":${this.kind}`);
    scribe.plain(kind ?? 'internal');
    scribe.byte(TAB);
    facts.status = this.#outcome();
    scribe.plain(facts.status);
    this.#writeTimes();
    this.#writeContext(resource);
    this.#writeError(hasMessage);
    this.#writeAttributes();
    if (this.events.length === 0) scribe.plain('\t\\N');
    else writeEvents(scribe, this.events);
    if (this.links.length === 0) scribe.plain('\t\\N');
    else writeLinks(scribe, this.links);
    if (this.stateTo === this.stateFrom) scribe.plain('\t\\N\t');
    else {
      scribe.byte(TAB);
      scribe.column(this.stateFrom, this.stateTo, 'trace_state', COLUMN_BYTES.traceState);
      scribe.byte(TAB);
    }
    this.#writeOtel();
    scribe.plain('\t\\N\t');
    scribe.plain(resource.row.id);
    scribe.byte(TAB);
    scribe.plain(`${this.flags | 0}`);
    scribe.byte(TAB);
    scribe.number(this.start.nanos % 1_000);
    if (facts.executionKey === null) scribe.plain('\t\\N');
    else {
      scribe.byte(TAB);
      scribe.text(facts.executionKey);
    }
    scribe.byte(0x0a);
  }

  #traceText(): string {
    const { bytes } = this.scribe;
    const last = this.#lastTraceId;
    let same = true;
    for (let i = 0; i < 16 && same; i++) same = bytes[this.traceId + i] === last[i];
    if (!same || this.#lastTraceText === '') {
      bytes.copy(last, 0, this.traceId, this.traceId + 16);
      this.#lastTraceText = last.toString('hex');
    }
    return this.#lastTraceText;
  }

  /** What the clock of a client may get wrong is repaired, and the original kept. */
  #times(): void {
    const start = this.start;
    const end = this.end;
    const say = (what: string) => this.scribe.say('times', what);
    if (start.isZero) {
      this.#otel.push('"start_ns":"0"');
      say('no start; its end is taken for it');
      start.copyFrom(end);
    } else if (end.isZero) {
      // A snapshot of a span that still runs: the row has no end until the span comes again with one.
    } else if (end.isBefore(start)) {
      this.#otel.push(`"end_ns":"${end.text()}"`);
      say('it ends before it starts; its duration is taken for 0');
      end.copyFrom(start);
    } else if (!isExact(start, end)) this.#otel.push(`"end_ns":"${end.text()}"`);
  }

  #writeTimes(): void {
    const scribe = this.scribe;
    scribe.byte(TAB);
    const from = scribe.to;
    writeStamp(scribe, this.start);
    this.facts.startedAt = scribe.out.toString('latin1', from, scribe.to);
    if (this.#isOpen) {
      this.facts.completedAt = null;
      scribe.plain('\t\\N\t\\N');
      return;
    }
    scribe.byte(TAB);
    const completed = scribe.to;
    writeStamp(scribe, this.end);
    this.facts.completedAt = scribe.out.toString('latin1', completed, scribe.to);
    scribe.byte(TAB);
    writeDuration(scribe, this.start, this.end);
  }

  #role(role: number): string | null {
    const to = this.roleTo[role]!;
    return to === 0 ? null : this.scribe.scalar(this.roleFrom[role]!, to);
  }

  /** Whether the status has a message of its own. */
  #findErrors(): boolean {
    const scribe = this.scribe;
    const own = this.messageTo > this.messageFrom;
    let type = this.#role(ROLE.errorType);
    let message: string | null = null;
    this.#escaped = false;
    if (this.events.length > 0 && (type === null || !own)) {
      const exception = lastException(scribe, this.events);
      type ??= exception?.type ?? null;
      if (!own) message = exception?.message ?? null;
      this.#escaped = exception?.escaped ?? false;
    }
    type ??= this.#failedCode(ROLE.httpStatus) ?? this.#failedCode(ROLE.oldHttpStatus) ?? this.#grpcCode();
    this.#errorType = type;
    this.#errorMessage = own ? scribe.string(this.messageFrom, this.messageTo, 'error_message') : message;
    return own;
  }

  #failedCode(role: number): string | null {
    const code = this.#role(role);
    return code !== null && /^\d{3}$/.test(code) && code >= '400' ? code : null;
  }

  #grpcCode(): string | null {
    const code = this.#role(ROLE.grpcStatus);
    return code === null || code === '0' ? null : (GRPC[Number(code)] ?? null);
  }

  get #isOpen(): boolean {
    return this.end.isZero;
  }

  #outcome(): string {
    if (this.#isOpen) return 'started';
    const failed = this.statusCode === ERROR || (this.statusCode === 0 && this.#escaped);
    if (!failed) return 'completed';
    return this.#errorType !== null && isTimeout(this.#errorType, this.#errorMessage) ? 'timeout' : 'failed';
  }

  #writeContext(resource: ResourceInfo): void {
    const { facts } = this;
    const execution = this.#role(ROLE.executionId) ?? this.#role(ROLE.copiedExecutionId) ?? resource.executionId;
    const { id, key } = executionOf(execution);
    facts.executionId = id;
    // Its column is the last one; what is taken out of it or cut off is said with the rest, before that.
    const { scribe } = this;
    facts.executionKey =
      key === null ? null : scribe.fitted(scribe.clean(key), 'execution_key', COLUMN_BYTES.executionKey);
    this.#optional(id, 'execution_id', 20, true);
    const job = this.#role(ROLE.jobId) ?? this.#role(ROLE.copiedJobId) ?? resource.jobId;
    facts.jobId = this.#optional(job, 'job_id', COLUMN_BYTES.jobId);
    const model =
      this.#role(ROLE.modelId) ??
      this.#role(ROLE.copiedModelId) ??
      this.#role(ROLE.requestModel) ??
      this.#role(ROLE.responseModel) ??
      resource.modelId;
    this.#optional(model, 'model_id', COLUMN_BYTES.modelId);
    const region =
      this.#role(ROLE.region) ?? this.#role(ROLE.copiedRegion) ?? this.#role(ROLE.cloudRegion) ?? resource.region;
    this.#optional(region, 'region', COLUMN_BYTES.region);
  }

  /** A tab and a column of text, without its secrets unless it `isClean` already; returns the text as it was written. */
  #optional(text: string | null, where: string, bytes: number, isClean = false): string | null {
    const scribe = this.scribe;
    if (text === null) {
      scribe.plain('\t\\N');
      return null;
    }
    scribe.byte(TAB);
    const kept = scribe.fitted(isClean ? text : scribe.clean(text), where, bytes);
    scribe.text(kept);
    return kept;
  }

  #writeError(hasMessage: boolean): void {
    const type = this.#errorType;
    this.#optional(type, 'error_type', COLUMN_BYTES.errorType);
    const message = this.#errorMessage;
    const kept = this.#optional(message, 'error_message', COLUMN_BYTES.errorMessage, true);
    const own = hasMessage ? message : '';
    const { status } = this.facts;
    const isFailure = status !== 'completed' && status !== 'started';
    if (this.statusCode === (isFailure ? ERROR : 0) && own === (kept ?? '')) return;
    // What the columns do not give back.
    const code = this.statusCode === 0 ? [] : [`"code":${this.statusCode}`];
    const said = own === '' || own === null ? [] : [`"message":${JSON.stringify(own)}`];
    this.#otel.push(`"status":{${[...code, ...said].join()}}`);
  }

  #writeAttributes(): void {
    const scribe = this.scribe;
    scribe.plain('\t{');
    const list = scribe.beginList();
    const at = this.attributeAt;
    for (let i = 0; i < this.attributes; i++) {
      if (i > 0) scribe.byte(0x2c);
      const [from, to, valueFrom, valueTo] = [at[4 * i]!, at[4 * i + 1]!, at[4 * i + 2]!, at[4 * i + 3]!];
      scribe.attribute(this.attributeKeys[i]!, from, to, valueFrom, valueTo, list, 'metadata');
    }
    scribe.byte(0x7d);
    if (scribe.exact.length > 0) {
      this.#otel.push(`"exact":${JSON.stringify(scribe.exact)}`);
      scribe.exact.length = 0;
    }
  }

  #writeOtel(): void {
    const scribe = this.scribe;
    const parts = this.#otel;
    if (this.droppedAttributes) parts.push(`"dropped_attributes":${this.droppedAttributes}`);
    if (this.droppedEvents) parts.push(`"dropped_events":${this.droppedEvents}`);
    if (this.droppedLinks) parts.push(`"dropped_links":${this.droppedLinks}`);
    if (scribe.redacted > 0) parts.push(`"redacted":${scribe.redacted}`);
    if (scribe.repairs !== undefined && scribe.repairs.count > 0) {
      parts.push(`"repairs":${JSON.stringify(scribe.repairs.words)}`);
    }
    if (parts.length === 0) scribe.plain('\\N');
    else scribe.text(`{${parts.join()}}`);
  }
}

const TAB = 0x09;

function isZero(bytes: Buffer, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0) return false;
  return true;
}
