// Makes a recording the same in each run, as far as it can be: ids, times, paths, ports and secrets.
import {
  type LogsRequest,
  type Recording,
  recordsOf,
  type Span,
  spansOf,
  type TracesRequest,
  type Value,
} from './otlp.ts';

/** The first span of each recording starts at this moment. */
export const EPOCH_NANOS = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;

export interface Unstable {
  secrets: string[];
  /** Texts of this run and what stands instead, applied in this order. */
  texts: [string | RegExp, string][];
}

/** Attributes of the SDK that differ from machine to machine and say nothing of the failure. */
const DROPPED = /^(?:process\.(?:command|executable|owner|pid|runtime\.description)|host\.(?:id|arch|ip|mac)|os\.)/;
/** The first port that systems give to clients. */
const EPHEMERAL = 32_768;

/** Stack traces and prompts keep their ends: what failed stands there, and a recording should be read by people. */
const LONGEST = 3000;

function shortened(text: string): string {
  const half = LONGEST / 2;
  return `${text.slice(0, half)}\n... ${text.length - LONGEST} characters ...\n${text.slice(-half)}`;
}

export function stabilise(recorded: Recording, unstable: Unstable): Recording {
  const { traces, logs } = structuredClone(recorded);
  const spans = spansOf(traces).sort(byStart);
  const first = spans[0] ? BigInt(spans[0].startTimeUnixNano) : 0n;
  const shift = (nanos: string | undefined) =>
    nanos === undefined || nanos === '0' ? nanos : String(BigInt(nanos) - first + EPOCH_NANOS);
  const words = new Words(unstable);
  for (const span of spans) {
    words.id(span.traceId);
    words.id(span.spanId);
  }
  for (const span of spans) {
    span.startTimeUnixNano = shift(span.startTimeUnixNano) as string;
    if (span.endTimeUnixNano) span.endTimeUnixNano = shift(span.endTimeUnixNano) as string;
    for (const event of span.events ?? []) event.timeUnixNano = shift(event.timeUnixNano) as string;
  }
  for (const record of recordsOf(logs)) {
    for (const key of ['timeUnixNano', 'observedTimeUnixNano'] as const) {
      const at = shift(record[key]);
      if (at !== undefined) record[key] = at;
    }
  }
  return {
    libraries: recorded.libraries,
    traces: grouped(words.of(traces), 'resourceSpans', 'scopeSpans', 'spans'),
    logs: grouped(words.of(logs), 'resourceLogs', 'scopeLogs', 'logRecords'),
  };
}

function byStart(a: Span, b: Span): number {
  return Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano));
}

class Words {
  readonly #unstable: Unstable;
  readonly #seen = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  constructor(unstable: Unstable) {
    this.#unstable = unstable;
  }

  /** A trace's or span's id: the same number of digits, counted up. */
  id(id: string): string {
    if (/^0*$/.test(id)) return id;
    return this.#counted(`id ${id.length}`, id.toLowerCase(), (n) => n.toString(16).padStart(id.length, '0'));
  }

  /** Everything in a value of JSON. */
  of<T>(json: T, key = ''): T {
    if (typeof json === 'string') return this.#text(json, key) as T;
    if (Array.isArray(json)) {
      return json
        .filter((each) => !(typeof each?.key === 'string' && DROPPED.test(each.key)))
        .map((each) => this.of(each)) as T;
    }
    if (json === null || typeof json !== 'object') return json;
    const made: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(json)) {
      made[name] = name === 'value' && 'key' in json ? this.#attribute(`${json.key}`, value) : this.of(value, name);
    }
    return made as T;
  }

  #attribute(key: string, value: Value): unknown {
    const number = Number(value?.intValue);
    if (value?.intValue === undefined) return this.of(value);
    if (/port$/.test(key) && number >= EPHEMERAL) return { intValue: this.#port(`${number}`) };
    if (/^(?:thread\.id|process\..*pid|system\.process\.id)$/.test(key)) {
      return { intValue: this.#counted('number', `${number}`, (n) => `${n}`) };
    }
    return value;
  }

  #text(text: string, key: string): string {
    if (/Id$/.test(key) && /^[0-9a-f]+$/i.test(text)) return this.id(text);
    let made = text.length > LONGEST && text.includes('\n') ? shortened(text) : text;
    for (const secret of this.#unstable.secrets) made = made.replaceAll(secret, 'secret');
    for (const [from, to] of this.#unstable.texts) made = made.replaceAll(from, to);
    return (
      made
        .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, (uuid) =>
          this.#counted('uuid', uuid, (n) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`),
        )
        .replace(/\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b/g, (id) => this.#seen.get(`id ${id.length} ${id}`) ?? id)
        // MongoDB's ids of objects and of what its driver sees.
        .replace(/\b(?=[0-9a-f]*[a-f])[0-9a-f]{24}\b/g, (id) =>
          this.#counted('object', id, (n) => n.toString(16).padStart(24, '0')),
        )
        .replace(/\b0x[0-9a-f]{8,16}\b/g, (at) =>
          this.#counted('address', at, (n) => `0x7f${n.toString(16).padStart(10, '0')}`),
        )
        .replace(/(?<=\d\.\d+\.\d+:|localhost:|\]:|', )\d{5}\b/g, (port) => this.#port(port))
        .replace(/(?<=\b(?:[Pp]rocess|pid|PID|transaction)[ =:]{1,2})\d{2,7}\b/g, (n) =>
          this.#counted('number', n, (at) => `${1000 + at}`),
        )
    );
  }

  #port(port: string): string {
    return Number(port) < EPHEMERAL ? port : this.#counted('port', port, (n) => `${50_000 + n}`);
  }

  #counted(kind: string, text: string, name: (n: number) => string): string {
    const known = this.#seen.get(`${kind} ${text}`);
    if (known !== undefined) return known;
    const n = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, n);
    const made = name(n);
    this.#seen.set(`${kind} ${text}`, made);
    return made;
  }
}

type Json = Record<string, unknown>;

/** One request for each resource, one group for each scope, in the order in which things happened. */
function grouped<T extends TracesRequest | LogsRequest>(
  requests: T[],
  outer: string,
  inner: string,
  items: string,
): T[] {
  const resources = new Map<string, { resource: unknown; scopes: Map<string, { scope: unknown; items: Json[] }> }>();
  for (const request of requests as Json[]) {
    for (const { resource, [inner]: scopes } of (request[outer] ?? []) as Json[]) {
      const key = JSON.stringify(resource);
      const of = resources.get(key) ?? { resource, scopes: new Map() };
      resources.set(key, of);
      for (const { scope, [items]: found } of (scopes ?? []) as Json[]) {
        const name = JSON.stringify(scope);
        const group = of.scopes.get(name) ?? { scope, items: [] };
        of.scopes.set(name, group);
        group.items.push(...((found ?? []) as Json[]));
      }
    }
  }
  const at = (item: Json) => `${item.startTimeUnixNano ?? item.timeUnixNano ?? item.observedTimeUnixNano}`;
  const sorted = [...resources.values()].map(({ resource, scopes }) => {
    const groups = [...scopes.values()].map((group) => ({
      ...group,
      items: group.items.sort((a, b) => (at(a) < at(b) ? -1 : 1)),
    }));
    groups.sort((a, b) => (at(a.items[0]!) < at(b.items[0]!) ? -1 : 1));
    return { resource, groups };
  });
  sorted.sort((a, b) => (at(a.groups[0]!.items[0]!) < at(b.groups[0]!.items[0]!) ? -1 : 1));
  return sorted.map(({ resource, groups }) => {
    const scopes = groups.map(({ scope, items: found }) => ({ scope, [items]: found }));
    return { [outer]: [{ resource, [inner]: scopes }] } as unknown as T;
  });
}
