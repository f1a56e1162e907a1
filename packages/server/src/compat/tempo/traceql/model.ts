// Spans as TraceQL sees them: typed attributes by scope, and their place in the tree of their trace.
import type { LooseSpan } from '../../../otlp/records.ts';
import type { AnyValue, KeyValue } from '../../../otlp/traces.ts';
import type { AttributeNode, Intrinsic, Kind, Literal, Scope, Status } from './ast.ts';
import { NIL, type Value } from './values.ts';

/** What is known of a whole trace. */
export interface TraceFacts {
  id: string;
  startNs: bigint;
  /** Nanoseconds from the first start to the last end. */
  durationNs: bigint;
  rootService: string;
  rootName: string;
}

/** Attributes of an event or a link, with what is intrinsic to it. */
interface Part {
  attributes: Map<string, Value>;
  intrinsics: Partial<Record<Intrinsic, Literal>>;
}

const STATUS: Status[] = ['unset', 'ok', 'error'];
const KINDS: Kind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

type Shared = LooseSpan['of'];
const resources = new WeakMap<Shared, Map<string, Value>>();
const scopes = new WeakMap<Shared, Map<string, Value>>();

export class TraceSpan {
  readonly traceId: string;
  readonly service: string;
  readonly #loose: LooseSpan;
  trace: TraceFacts | undefined;
  /** Place in the nested sets of the trace: 0 for spans that do not hang on a root. */
  left = 0;
  right = 0;
  /** The parent's left; -1 for a root. */
  parentLeft = 0;
  parent: TraceSpan | undefined;
  children = 0;
  #attributes: Map<string, Value> | undefined;
  #events: Part[] | undefined;
  #links: Part[] | undefined;

  constructor(loose: LooseSpan) {
    this.#loose = loose;
    this.traceId = loose.traceId;
    this.service = loose.service;
  }

  get startNs(): bigint {
    return this.#loose.startNs;
  }

  /** Nanoseconds; undefined while it has not ended. */
  get durationNs(): bigint | undefined {
    return this.#loose.durationNs;
  }

  get id(): string {
    return this.#loose.id;
  }

  get parentId(): string | undefined {
    return this.#loose.parentId;
  }

  get name(): string {
    return this.#loose.name;
  }

  get kind(): Kind {
    return KINDS[this.#loose.kind] ?? 'unspecified';
  }

  get status(): Status {
    return STATUS[this.#loose.status.code ?? 0] ?? 'unset';
  }

  get attributes(): Map<string, Value> {
    this.#attributes ??= valuesOf(this.#loose.attributes);
    return this.#attributes;
  }

  get resource(): Map<string, Value> {
    return kept(resources, this.#loose.of, ({ resource }) => valuesOf(resource.attributes));
  }

  get scope(): Map<string, Value> {
    return kept(scopes, this.#loose.of, ({ scopeSpans }) => valuesOf(scopeSpans[0]?.scope.attributes ?? []));
  }

  get events(): Part[] {
    this.#events ??= this.#loose.events.map(({ attributes, name, timeUnixNano }) => ({
      attributes: valuesOf(attributes),
      intrinsics: {
        'event:name': { type: 'string', value: name },
        'event:timeSinceStart': { type: 'duration', value: BigInt(timeUnixNano) - this.startNs },
      },
    }));
    return this.#events;
  }

  get links(): Part[] {
    this.#links ??= this.#loose.links.map(({ attributes, traceId, spanId }) => ({
      attributes: valuesOf(attributes),
      intrinsics: {
        'link:traceID': { type: 'string', value: traceId },
        'link:spanID': { type: 'string', value: spanId },
      },
    }));
    return this.#links;
  }

  /** The parts an attribute is looked up in where a span has several; undefined for what a span has one of. */
  partsOf(attribute: AttributeNode): Part[] | undefined {
    if (attribute.node === 'intrinsic') {
      if (attribute.name.startsWith('event:')) return this.events;
      return attribute.name.startsWith('link:') ? this.links : undefined;
    }
    if (attribute.scope === 'event') return this.events;
    if (attribute.scope === 'link') return this.links;
    if (attribute.scope !== 'none' || this.#own(attribute.name) !== undefined) return undefined;
    const holds = (part: Part) => part.attributes.has(attribute.name);
    return this.events.some(holds) ? this.events.filter(holds) : this.links.filter(holds);
  }

  /** Of what a span has several of, the first. */
  value(attribute: AttributeNode): Value {
    const parts = this.partsOf(attribute);
    if (parts?.length) return valueIn(parts.find((part) => valueIn(part, attribute) !== NIL) ?? parts[0], attribute);
    if (attribute.node === 'intrinsic') return this.#intrinsic(attribute.name);
    return this.#scoped(attribute.scope, attribute.name) ?? NIL;
  }

  /** Without a scope, the span's own attribute comes first. */
  #own(name: string): Value | undefined {
    return this.attributes.get(name) ?? this.resource.get(name);
  }

  #scoped(scope: Scope, name: string): Value | undefined {
    switch (scope) {
      case 'span':
        return this.attributes.get(name);
      case 'resource':
        return this.resource.get(name);
      case 'instrumentation':
        return this.scope.get(name);
      case 'none':
        return this.#own(name) ?? this.scope.get(name);
      default:
        return undefined;
    }
  }

  #intrinsic(name: Intrinsic): Literal {
    const text = (value: string | undefined): Literal => ({ type: 'string', value: value ?? '' });
    const count = (value: number): Literal => ({ type: 'int', value: BigInt(value) });
    const scope = this.#loose.of.scopeSpans[0]?.scope;
    switch (name) {
      case 'name':
        return text(this.name);
      case 'duration':
        return this.durationNs === undefined ? NIL : { type: 'duration', value: this.durationNs };
      case 'status':
        return { type: 'status', value: this.status };
      case 'statusMessage':
        return text(this.#loose.status.message);
      case 'kind':
        return { type: 'kind', value: this.kind };
      case 'span:childCount':
        return count(this.children);
      case 'nestedSetLeft':
        return count(this.left);
      case 'nestedSetRight':
        return count(this.right);
      case 'nestedSetParent':
        return count(this.parentLeft);
      case 'span:id':
        return text(this.id);
      case 'span:parentID':
        return text(this.parentId ?? '0'.repeat(16));
      case 'trace:id':
        return text(shortTraceId(this.traceId));
      case 'traceDuration':
        return this.trace ? { type: 'duration', value: this.trace.durationNs } : NIL;
      case 'rootName':
        return text(this.trace?.rootName);
      case 'rootServiceName':
        return text(this.trace?.rootService);
      case 'instrumentation:name':
        return text(scope?.name);
      case 'instrumentation:version':
        return text(scope?.version);
      default:
        return NIL;
    }
  }
}

export function valueIn(part: Part | undefined, attribute: AttributeNode): Value {
  const found =
    attribute.node === 'intrinsic' ? part?.intrinsics[attribute.name] : part?.attributes.get(attribute.name);
  return found ?? NIL;
}

/** Zeros in front do not count. */
export function shortTraceId(id: string): string {
  return id.toLowerCase().replace(/^0+/, '');
}

function kept<K extends object, V>(cache: WeakMap<K, V>, key: K, make: (key: K) => V): V {
  let value = cache.get(key);
  if (value === undefined) {
    value = make(key);
    cache.set(key, value);
  }
  return value;
}

function valuesOf(attributes: KeyValue[]): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { key, value } of attributes) {
    const found = typed(value);
    if (found) values.set(key, found);
  }
  return values;
}

/** undefined for what TraceQL cannot compare: bytes, maps, lists of several types. */
function typed(value: AnyValue): Value | undefined {
  const single = literalOf(value);
  if (single) return single;
  const values = value.arrayValue?.values?.map(literalOf);
  const first = values?.[0];
  if (!values || !first || values.some((each) => each?.type !== first.type)) return undefined;
  if (values.length === 1) return first;
  return { type: 'list', of: first.type as 'string', values: values as Literal[] };
}

function literalOf(value: AnyValue): Literal | undefined {
  if (value.stringValue !== undefined) return { type: 'string', value: value.stringValue };
  if (value.boolValue !== undefined) return { type: 'bool', value: value.boolValue };
  if (value.intValue !== undefined) return { type: 'int', value: BigInt(value.intValue) };
  if (value.doubleValue !== undefined) return { type: 'float', value: Number(value.doubleValue) };
  return undefined;
}
