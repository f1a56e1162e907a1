import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';

/**
 * What this package reads of an SDK's span. Written down here, because the SDKs 1.x to 3.x have it in packages of
 * different names and an application installs only one of them.
 */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanContext: () => SpanContext;
  readonly parentSpanContext?: SpanContext | undefined;
  /** Instead of the context, in 1.x. */
  readonly parentSpanId?: string | undefined;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: readonly Link[];
  readonly events: readonly { name: string; time: HrTime; attributes?: Attributes | undefined }[];
  readonly ended: boolean;
  readonly resource: RecordedResource;
  readonly instrumentationScope?: RecordedScope | undefined;
  /** The scope's name in 1.x. */
  readonly instrumentationLibrary?: RecordedScope | undefined;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

export interface RecordedResource {
  readonly attributes: Record<string, unknown>;
  readonly asyncAttributesPending?: boolean | undefined;
  readonly schemaUrl?: string | undefined;
  waitForAsyncAttributes?: (() => Promise<void>) | undefined;
}

export interface RecordedScope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}
