// OTLP's messages for trace data, as a table: what the fast decoder does not need it for, this does (JSON requests, reading
// traces back, small answers).

export type Scalar =
  | 'string'
  | 'bytes'
  | 'id'
  | 'bool'
  | 'uint32'
  | 'enum'
  | 'int64'
  | 'fixed32'
  | 'fixed64'
  | 'double';

export interface Field {
  /** As in OTLP/JSON. */
  name: string;
  /** As in the .proto file, which JSON may use too. */
  protoName: string;
  number: number;
  type: Scalar | Message;
  repeated: boolean;
  /** Is written although it has its default value: which member of a choice it is matters. */
  explicit: boolean;
}

export interface Message {
  name: string;
  byName: Map<string, Field>;
  byNumber: Map<number, Field>;
  /** For `enum` fields: numbers by the names that JSON may use. */
  enums: ReadonlyMap<string, number>;
}

const NO_ENUMS: ReadonlyMap<string, number> = new Map();

function message(name: string, enums: ReadonlyMap<string, number> = NO_ENUMS): Message {
  return { name, byName: new Map(), byNumber: new Map(), enums };
}

/** `name: number type`, with `[]` where repeated and `!` where explicit. */
function fields(of: Message, described: Record<string, [number, Scalar | Message, ('[]' | '!')?]>): Message {
  for (const [name, [number, type, how]] of Object.entries(described)) {
    const protoName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const field = { name, protoName, number, type, repeated: how === '[]', explicit: how === '!' };
    of.byName.set(name, field);
    of.byName.set(protoName, field);
    of.byNumber.set(number, field);
  }
  return of;
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const CODES = ['UNSET', 'OK', 'ERROR'];

const anyValue = message('AnyValue');
const keyValue = message('KeyValue');
const arrayValue = fields(message('ArrayValue'), { values: [1, anyValue, '[]'] });
const keyValueList = fields(message('KeyValueList'), { values: [1, keyValue, '[]'] });
export const KEY_VALUE = fields(keyValue, { key: [1, 'string'], value: [2, anyValue] });
fields(anyValue, {
  stringValue: [1, 'string', '!'],
  boolValue: [2, 'bool', '!'],
  intValue: [3, 'int64', '!'],
  doubleValue: [4, 'double', '!'],
  arrayValue: [5, arrayValue],
  kvlistValue: [6, keyValueList],
  bytesValue: [7, 'bytes', '!'],
});

const event = fields(message('Event'), {
  timeUnixNano: [1, 'fixed64'],
  name: [2, 'string'],
  attributes: [3, keyValue, '[]'],
  droppedAttributesCount: [4, 'uint32'],
});
const link = fields(message('Link'), {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'string'],
  attributes: [4, keyValue, '[]'],
  droppedAttributesCount: [5, 'uint32'],
  flags: [6, 'fixed32'],
});
const status = fields(message('Status', new Map(CODES.map((name, i) => [`STATUS_CODE_${name}`, i]))), {
  message: [2, 'string'],
  code: [3, 'enum'],
});
export const SPAN = fields(message('Span', new Map(KINDS.map((name, i) => [`SPAN_KIND_${name}`, i]))), {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'string'],
  parentSpanId: [4, 'id'],
  name: [5, 'string'],
  kind: [6, 'enum'],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: [9, keyValue, '[]'],
  droppedAttributesCount: [10, 'uint32'],
  events: [11, event, '[]'],
  droppedEventsCount: [12, 'uint32'],
  links: [13, link, '[]'],
  droppedLinksCount: [14, 'uint32'],
  status: [15, status],
  flags: [16, 'fixed32'],
});
const scope = fields(message('InstrumentationScope'), {
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: [3, keyValue, '[]'],
  droppedAttributesCount: [4, 'uint32'],
});
const scopeSpans = fields(message('ScopeSpans'), {
  scope: [1, scope],
  spans: [2, SPAN, '[]'],
  schemaUrl: [3, 'string'],
});
const resource = fields(message('Resource'), {
  attributes: [1, keyValue, '[]'],
  droppedAttributesCount: [2, 'uint32'],
});
const resourceSpans = fields(message('ResourceSpans'), {
  resource: [1, resource],
  scopeSpans: [2, scopeSpans, '[]'],
  schemaUrl: [3, 'string'],
});
/** `ExportTraceServiceRequest` and `TracesData` are the same on the wire. */
export const TRACES = fields(message('TracesData'), { resourceSpans: [1, resourceSpans, '[]'] });

export const LOG_RECORD = fields(message('LogRecord'), {
  timeUnixNano: [1, 'fixed64'],
  severityNumber: [2, 'enum'],
  severityText: [3, 'string'],
  body: [5, anyValue],
  attributes: [6, keyValue, '[]'],
  droppedAttributesCount: [7, 'uint32'],
  flags: [8, 'fixed32'],
  traceId: [9, 'id'],
  spanId: [10, 'id'],
  observedTimeUnixNano: [11, 'fixed64'],
  eventName: [12, 'string'],
});
export const SCOPE_LOGS = fields(message('ScopeLogs'), {
  scope: [1, scope],
  logRecords: [2, LOG_RECORD, '[]'],
  schemaUrl: [3, 'string'],
});
export const RESOURCE_LOGS = fields(message('ResourceLogs'), {
  resource: [1, resource],
  scopeLogs: [2, SCOPE_LOGS, '[]'],
  schemaUrl: [3, 'string'],
});
/** `ExportLogsServiceRequest` and `LogsData` are the same on the wire. */
export const LOGS = fields(message('LogsData'), { resourceLogs: [1, RESOURCE_LOGS, '[]'] });

const partialSuccess = fields(message('ExportTracePartialSuccess'), {
  rejectedSpans: [1, 'int64'],
  errorMessage: [2, 'string'],
});
export const RESPONSE = fields(message('ExportTraceServiceResponse'), { partialSuccess: [1, partialSuccess] });

const duration = fields(message('Duration'), { seconds: [1, 'int64'], nanos: [2, 'enum'] });
export const RETRY_INFO = fields(message('RetryInfo'), { retryDelay: [1, duration] });
const any = fields(message('Any'), { typeUrl: [1, 'string'], value: [2, 'bytes'] });
/** `google.rpc.Status`. */
export const RPC_STATUS = fields(message('Status'), {
  code: [1, 'enum'],
  message: [2, 'string'],
  details: [3, any, '[]'],
});
