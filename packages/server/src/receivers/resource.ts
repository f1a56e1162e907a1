// Resource and instrumentation scope: the same few, request after request, so what is made of them is remembered.
import { COLUMN_BYTES, type EncodedResource, Repairs, repairedKey, resourceId } from '@project-beacon/writer';
import { type CopyWriter, SpanError } from './copy-writer.ts';
import { ROLE } from './keys.ts';

/** What spans take from their resource and scope. */
export interface ResourceInfo {
  row: EncodedResource;
  service: string;
  /** The column `service`, escaped for COPY. */
  serviceColumn: Buffer;
  executionId: string | null;
  jobId: string | null;
  modelId: string | null;
  region: string | null;
  /** Values taken out; counted once for each time it is stored. */
  redacted: number;
}

/** Where a message lies; empty where it is absent. */
export interface Range {
  from: number;
  to: number;
}

// Resources made from ids would fill it: it starts again then.
const MAX = 2_000;
const MAX_HELD = 4 << 20;
/** Of one resource with its scope. */
const MAX_BYTES = 256 * 1024;
const NAMELESS = 'unknown_service';

export class ResourceTable {
  readonly #scribe: CopyWriter;
  readonly #known = new Map<string, ResourceInfo>();
  /** Characters of their keys. */
  #held = 0;

  constructor(scribe: CopyWriter) {
    this.#scribe = scribe;
  }

  find(resource: Range, resourceUrl: Range, scope: Range, scopeUrl: Range): ResourceInfo {
    const { bytes } = this.#scribe;
    const parts = [resource, resourceUrl, scope, scopeUrl];
    const length = parts.reduce((sum, { from, to }) => sum + to - from, 0);
    if (length > MAX_BYTES) throw new SpanError('too_large', `resource and scope are larger than ${MAX_BYTES} bytes`);
    const key = parts.map(({ from, to }) => `${to - from}:${bytes.toString('latin1', from, to)}`).join();
    const known = this.#known.get(key);
    if (known) return known;
    const made = this.#make(resource, resourceUrl, scope, scopeUrl);
    this.#held += key.length;
    if (this.#known.size >= MAX || this.#held > MAX_HELD) {
      this.#known.clear();
      this.#held = key.length;
    }
    this.#known.set(key, made);
    return made;
  }

  #make(resource: Range, resourceUrl: Range, scope: Range, scopeUrl: Range): ResourceInfo {
    const scribe = this.#scribe;
    scribe.repairs = undefined;
    scribe.redacted = 0;
    scribe.exact.length = 0;
    scribe.beginRow();
    const own = this.#attributes(resource, 0x0a, 0x10, 'resource');
    const scoped = this.#attributes(scope, 0x1a, 0x20, 'scope');
    const otel = [
      ...this.#url('resource_schema_url', resourceUrl),
      ...this.#url('scope_schema_url', scopeUrl),
      ...(own.dropped ? [`"resource_dropped_attributes":${own.dropped}`] : []),
      ...(own.exact.length > 0 ? [`"exact":${JSON.stringify(own.exact)}`] : []),
      ...(scoped.json === '{}' ? [] : [`"scope_attributes":${scoped.json}`]),
      ...(scoped.dropped ? [`"scope_dropped_attributes":${scoped.dropped}`] : []),
      ...(scoped.exact.length > 0 ? [`"scope_exact":${JSON.stringify(scoped.exact)}`] : []),
    ];
    const row = { attributesJson: own.json, scopeName: this.#text(scope, 0x0a), scopeVersion: this.#text(scope, 0x12) };
    if (scribe.redacted > 0) otel.push(`"redacted":${scribe.redacted}`);
    const repairs: Repairs = scribe.repairs ?? new Repairs();
    if (repairs.count > 0) otel.push(`"repairs":${JSON.stringify(repairs.words)}`);
    const otelJson = otel.length === 0 ? null : `{${otel.join()}}`;
    const id = resourceId(JSON.stringify([row.attributesJson, row.scopeName, row.scopeVersion, otelJson]));
    const role = (which: number) => own.roles.get(which) ?? null;
    const service = repairedKey(
      scribe.clean(role(ROLE.serviceName) ?? NAMELESS),
      'service',
      repairs,
      COLUMN_BYTES.service,
    );
    const from = scribe.to;
    scribe.text(service);
    const serviceColumn = Buffer.from(scribe.out.subarray(from, scribe.to));
    scribe.to = from;
    return {
      row: { id, ...row, otelJson },
      service,
      serviceColumn,
      executionId: role(ROLE.executionId),
      jobId: role(ROLE.jobId),
      modelId: role(ROLE.modelId) ?? role(ROLE.requestModel),
      region: role(ROLE.region) ?? role(ROLE.cloudRegion),
      redacted: scribe.redacted,
    };
  }

  /** Attributes as a JSON object in the order of their keys: detectors do not always run in the same. */
  #attributes(message: Range, wanted: number, droppedTag: number, where: string) {
    const scribe = this.#scribe;
    const members: string[] = [];
    const roles = new Map<number, string>();
    let dropped = 0;
    const list = scribe.beginList();
    const start = scribe.to;
    scribe.at = message.from;
    while (scribe.at < message.to) {
      const tag = scribe.varint(message.to);
      if (tag === droppedTag) dropped = scribe.varint(message.to);
      else if (tag !== wanted) scribe.skip(tag, message.to);
      else {
        const end = scribe.lengthDelimitedEnd(message.to);
        const begin = scribe.at;
        const key = scribe.keyValue(begin, end);
        const { valueFrom, valueTo } = scribe;
        scribe.attribute(key, begin, end, valueFrom, valueTo, list, where);
        // As JSON, not as a line of COPY.
        members.push(scribe.out.toString('utf8', start, scribe.to).replaceAll('\\\\', '\\'));
        scribe.to = start;
        const text = key.role === 0 || valueFrom < 0 ? null : scribe.scalar(valueFrom, valueTo);
        if (text !== null) roles.set(key.role, text);
        scribe.at = end;
      }
    }
    const exact = scribe.exact.splice(0).sort();
    // Sorting must not decide which of two values of a key counts.
    const isUnique = !(scribe.repairs?.words ?? []).some((words) => words.includes('came twice'));
    return { json: `{${(isUnique ? members.sort() : members).join()}}`, roles, dropped, exact };
  }

  #url(name: string, { from, to }: Range): string[] {
    return to > from ? [`"${name}":${JSON.stringify(this.#scribe.string(from, to, name))}`] : [];
  }

  #text(message: Range, wanted: number): string | null {
    const scribe = this.#scribe;
    let found: string | null = null;
    scribe.at = message.from;
    while (scribe.at < message.to) {
      const tag = scribe.varint(message.to);
      if (tag !== wanted) {
        scribe.skip(tag, message.to);
        continue;
      }
      const end = scribe.lengthDelimitedEnd(message.to);
      found = scribe.string(scribe.at, end, 'scope') || null;
      scribe.at = end;
    }
    return found;
  }
}
