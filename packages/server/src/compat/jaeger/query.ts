// Jaeger's questions as ours.
import { attributeKey, FAILED, term } from '../../filter/text.ts';
import { BeaconError } from '../../store/errors.ts';
import { countOf, goDurationMs, timeOf } from '../params.ts';

export type Query = Record<string, string | string[] | undefined>;

/** Parameters of the operation `search`. */
export interface SearchParams {
  q?: string;
  from: string;
  to?: string;
  limit: number;
}

const LIMIT = 20;
const MAX_TRACES = 1_000;
/** As far as Jaeger looks back by default. */
const LOOK_BACK = '2d';

/**
 * Of `/api/traces`: service, operation, tag, tags, start and end in microseconds, minDuration, maxDuration, limit.
 *
 * @throws BeaconError that names the parameter that is wrong.
 */
export function searchOf(query: Query): SearchParams {
  const [start, end] = [one(query, 'start'), one(query, 'end')];
  return {
    ...filterOf({
      service: one(query, 'service'),
      operation: one(query, 'operation'),
      tags: [...all(query, 'tag').map(pair), ...all(query, 'tags').flatMap((text) => tagsOf('tags', text))],
      minDuration: one(query, 'minDuration'),
      maxDuration: one(query, 'maxDuration'),
    }),
    from: start ? timeOf('start', start, 1_000_000) : LOOK_BACK,
    ...(end ? { to: timeOf('end', end, 1_000_000) } : {}),
    limit: countOf('limit', one(query, 'limit'), LIMIT, MAX_TRACES),
  };
}

/** The same of `/api/v3/traces`, whose names come in two spellings. */
export function searchV3Of(query: Query): SearchParams {
  const read = (name: string) => one(query, `query.${name}`) ?? one(query, `query.${snake(name)}`);
  const [start, end] = [read('startTimeMin'), read('startTimeMax')];
  if (!start || !end) {
    throw new BeaconError('usage', 'query.startTimeMin and query.startTimeMax are required.', 'Give both as RFC 3339.');
  }
  const attributes = read('attributes');
  return {
    ...filterOf({
      service: read('serviceName'),
      operation: read('operationName'),
      tags: attributes ? tagsOf('query.attributes', attributes) : [],
      minDuration: read('durationMin'),
      maxDuration: read('durationMax'),
    }),
    from: rfc3339('query.startTimeMin', start),
    to: rfc3339('query.startTimeMax', end),
    limit: countOf('query.searchDepth', read('searchDepth') ?? read('numTraces'), LIMIT, MAX_TRACES),
  };
}

interface Asked {
  service: string | undefined;
  operation: string | undefined;
  tags: Array<[key: string, value: string]>;
  minDuration: string | undefined;
  maxDuration: string | undefined;
}

function filterOf({ service, operation, tags, minDuration, maxDuration }: Asked): { q?: string } {
  const terms = [
    ...(service ? [term('service', '=', service)] : []),
    ...(operation ? [term('operation', '=', operation)] : []),
    ...tags.map(([key, value]) => tagTerm(key, value)),
    ...(minDuration ? [term('duration', '>=', ms('minDuration', minDuration))] : []),
    ...(maxDuration ? [term('duration', '<=', ms('maxDuration', maxDuration))] : []),
  ];
  return terms.length > 0 ? { q: terms.join(' ') } : {};
}

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];

/** Tags that Jaeger has and OTLP has fields for; all others are attributes, wherever they are. */
function tagTerm(key: string, value: string): string {
  if (key === 'error' && value === 'true') return FAILED;
  if (key === 'error' && value === 'false') return 'status=completed';
  if (key === 'otel.status_code' && value.toUpperCase() === 'ERROR') return FAILED;
  if (key === 'otel.status_description') return term('message', '=', value);
  if (key === 'span.kind' && KINDS.includes(value)) return term('kind', '=', value);
  if (key === 'otel.scope.name' || key === 'otel.library.name') return term('scope.name', '=', value);
  if (key === 'otel.scope.version' || key === 'otel.library.version') return term('scope.version', '=', value);
  return term(attributeKey(key), '=', value);
}

function ms(name: string, text: string): string {
  return String(Number(goDurationMs(name, text).toFixed(9)));
}

function pair(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new BeaconError('usage', `tag is "${text.slice(0, 100)}".`, 'It must be key:value.');
}

function tagsOf(name: string, text: string): Array<[string, string]> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    read = undefined;
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new BeaconError('usage', `${name} is no JSON object.`, 'It must be like {"http.status_code":"500"}.');
  }
  return Object.entries(read).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
}

/** @throws BeaconError that names the parameter. */
export function rfc3339(name: string, text: string): string {
  // A plus that was not encoded has become a blank.
  const time = text
    .trim()
    .replace(/ (?=\d\d:\d\d$)/, '+')
    .replace(/(\.\d{9})\d+/, '$1');
  if (/^\d{4}-\d\d-\d\dT/.test(time) && !Number.isNaN(Date.parse(time))) return time;
  throw new BeaconError('usage', `${name} is "${text.slice(0, 50)}".`, 'It must be like 2026-01-31T12:00:00Z.');
}

/** The first value of a parameter; undefined where it is missing or empty. */
export function one(query: Query, name: string): string | undefined {
  return all(query, name)[0] || undefined;
}

export function all(query: Query, name: string): string[] {
  return [query[name] ?? []].flat();
}

/** The question of a body, as the address would have it. @throws BeaconError where it is none. */
export function bodyQuery(body: unknown): Query {
  const query = (body as { query?: unknown } | null)?.query;
  if (typeof query !== 'object' || query === null || Array.isArray(query)) {
    throw new BeaconError('usage', 'The body has no query.', 'It must be like {"query":{"service_name":"cart",...}}.');
  }
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      `query.${name}`,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
