// A trace as OTLP/JSON spells it: what reading back makes, and APIs in other formats take.

export interface OtlpTraces {
  resourceSpans: ResourceSpans[];
}

export interface ResourceSpans {
  resource: { attributes: KeyValue[]; droppedAttributesCount?: number };
  scopeSpans: ScopeSpans[];
  schemaUrl?: string;
}

export interface ScopeSpans {
  scope: { name?: string; version?: string; attributes: KeyValue[]; droppedAttributesCount?: number };
  spans: Span[];
  schemaUrl?: string;
}

export interface Span {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  traceState?: string;
  parentSpanId?: string;
  name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  startTimeUnixNano: string;
  /** 0 while the span has not ended. */
  endTimeUnixNano: string;
  attributes: KeyValue[];
  droppedAttributesCount?: number;
  events: SpanEvent[];
  droppedEventsCount?: number;
  links: SpanLink[];
  droppedLinksCount?: number;
  /** Code 0 unset, 1 ok, 2 error. */
  status: { code?: number; message?: string };
  flags?: number;
}

export interface SpanEvent {
  timeUnixNano: string;
  name: string;
  attributes: KeyValue[];
  droppedAttributesCount?: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState?: string;
  attributes: KeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
}

export interface KeyValue {
  key: string;
  value: AnyValue;
}

/** Exactly one member, or none for a value that is empty. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  /** A whole number of 64 bits. */
  intValue?: string;
  doubleValue?: number | string;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
  /** Base64. */
  bytesValue?: string;
}
