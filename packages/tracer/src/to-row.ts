// From an SDK's span to a row: which attribute becomes which column, and what counts as an error.
import { type Attributes, type Baggage, SpanStatusCode } from '@opentelemetry/api';
import {
  executionOf,
  isTimeout,
  type ResourceRow,
  resourceRow,
  type SpanKind,
  type SpanRow,
  type SpanStatus,
} from '@project-beacon/writer';
import type { RecordedResource, RecordedScope, RecordedSpan } from './recorded-span.ts';

/** Names of the columns' attributes and baggage entries: the same in both, and on every service. */
export const JOB_ID = 'beacon.job_id';
export const EXECUTION_ID = 'beacon.execution_id';
export const MODEL_ID = 'beacon.model_id';
export const REGION = 'beacon.region';

const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];

export interface RowOptions {
  tracerId: string;
  /** Name for spans whose resource has none of its own. */
  service: string;
}

/** Makes rows of the spans of one process; remembers the resources it has seen. */
export class RowMaker {
  readonly #tracerId: string;
  readonly #service: string;
  readonly #resources = new WeakMap<RecordedResource, Described>();

  constructor(options: RowOptions) {
    this.#tracerId = options.tracerId;
    this.#service = options.service;
  }

  /**
   * @param baggage Of the context the span was started in.
   * @param update The span's row was written before, while it was open.
   */
  toRow(span: RecordedSpan, baggage: Baggage | undefined, update: boolean): SpanRow {
    const { attributes } = span;
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const parent = parentOf(span);
    const resource = this.#describe(span.resource);
    const failure = errorOf(span);
    const execution = executionOf(lifted(attributes, baggage, EXECUTION_ID));
    return {
      traceId,
      spanId,
      parentSpanId: parent?.spanId ?? null,
      service: resource.service,
      operation: span.name,
      kind: KINDS[span.kind] ?? 'internal',
      status: span.ended ? statusOf(span, failure) : 'started',
      start: span.startTime,
      end: span.ended ? span.endTime : null,
      executionId: execution.id,
      executionKey: execution.key,
      jobId: lifted(attributes, baggage, JOB_ID),
      modelId: lifted(attributes, baggage, MODEL_ID) ?? text(attributes['gen_ai.request.model']),
      region: lifted(attributes, baggage, REGION) ?? text(attributes['cloud.region']) ?? resource.region,
      errorType: failure.type,
      errorMessage: failure.message,
      attributes,
      events: span.events.length === 0 ? null : span.events,
      links: span.links.length === 0 ? null : span.links.map(linkOf),
      traceState: traceState === undefined ? null : traceState.serialize() || null,
      otel: otelOf(span),
      tracerId: this.#tracerId,
      resource: resourceOf(
        resource,
        span.resource,
        span.instrumentationScope ?? span.instrumentationLibrary ?? NO_SCOPE,
      ),
      flags: (traceFlags & 0xff) | PARENT_IS_KNOWN | (parent?.isRemote ? PARENT_IS_REMOTE : 0),
      update,
    };
  }

  #describe(resource: RecordedResource): Described {
    const known = this.#resources.get(resource);
    if (known) return known;
    const name = text(resource.attributes['service.name']);
    // SDKs make up a name when the application gives none.
    const service = name === null || name.startsWith('unknown_service') ? this.#service : name;
    const made = { service, region: text(resource.attributes['cloud.region']), rows: new Map() };
    // Until its detectors have answered, a resource may still change.
    if (!resource.asyncAttributesPending) this.#resources.set(resource, made);
    return made;
  }
}

function otelOf(span: RecordedSpan): Record<string, unknown> | null {
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  if (!droppedAttributesCount && !droppedEventsCount && !droppedLinksCount) return null;
  return {
    ...(droppedAttributesCount ? { dropped_attributes: droppedAttributesCount } : {}),
    ...(droppedEventsCount ? { dropped_events: droppedEventsCount } : {}),
    ...(droppedLinksCount ? { dropped_links: droppedLinksCount } : {}),
  };
}

const NO_SCOPE: RecordedScope = { name: '' };

/** The SDK 1.x knows the parent's id only. */
function parentOf({
  parentSpanContext,
  parentSpanId,
}: RecordedSpan): { spanId: string; isRemote?: boolean } | undefined {
  return parentSpanContext ?? (parentSpanId ? { spanId: parentSpanId } : undefined);
}

// OTLP's bits beside the W3C trace flags: whether it is known where the parent ran, and whether that was elsewhere.
const PARENT_IS_KNOWN = 0x100;
const PARENT_IS_REMOTE = 0x200;

interface Described {
  service: string;
  region: string | null;
  rows: Map<RecordedScope, ResourceRow>;
}

function resourceOf(described: Described, resource: RecordedResource, scope: RecordedScope): ResourceRow {
  const known = described.rows.get(scope);
  if (known) return known;
  const made = resourceRow({
    attributes: { ...resource.attributes },
    scopeName: scope.name || null,
    scopeVersion: scope.version || null,
    otel: schemaUrls(resource.schemaUrl, scope.schemaUrl),
  });
  described.rows.set(scope, made);
  return made;
}

function schemaUrls(resource: string | undefined, scope: string | undefined): Record<string, string> | null {
  if (!resource && !scope) return null;
  return { ...(resource ? { resource_schema_url: resource } : {}), ...(scope ? { scope_schema_url: scope } : {}) };
}

function lifted(attributes: Attributes, baggage: Baggage | undefined, name: string): string | null {
  const value = attributes[name];
  if (value !== undefined) return text(value);
  return baggage === undefined ? null : (baggage.getEntry(name)?.value ?? null);
}

function text(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return null;
}

interface Failure {
  type: string | null;
  message: string | null;
}

function errorOf(span: RecordedSpan): Failure {
  const { attributes, events } = span;
  let type = text(attributes['error.type']);
  let message = span.status.message || null;
  if (events.length > 0 && (type === null || message === null)) {
    const exception = events.findLast((event) => event.name === 'exception')?.attributes;
    type ??= text(exception?.['exception.type']);
    message ??= text(exception?.['exception.message']);
  }
  if (type === null) {
    const code = attributes['http.response.status_code'];
    if (typeof code === 'number' && code >= 400) type = String(code);
  }
  return { type, message };
}

function statusOf(span: RecordedSpan, { type, message }: Failure): SpanStatus {
  if (span.status.code !== SpanStatusCode.ERROR) return 'completed';
  return type !== null && isTimeout(type, message) ? 'timeout' : 'failed';
}

function linkOf({ context, attributes }: RecordedSpan['links'][number]) {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    traceState: context.traceState?.serialize(),
    attributes,
  };
}
