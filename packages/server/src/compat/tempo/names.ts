// Which tags there are, and which values: what Grafana's query builder offers.
import type pg from 'pg';
import { type RunOptions, runQuery } from '../../queries/run.ts';
import { countOf, queryNamed } from '../params.ts';
import { one, type Query, timesOf } from './search.ts';
import { INTRINSIC_NAMES } from './traceql.ts';

/** Places of attributes, by the scopes Tempo calls them. */
const SCOPES = new Map<string, string>(
  Object.entries({
    resource: 'resource',
    span: 'span',
    event: 'event',
    link: 'link',
    instrumentation: 'scope',
  }),
);
const MAX = 5_000;
const KEYWORDS = new Map<string, string[]>(
  Object.entries({
    status: ['error', 'ok', 'unset'],
    kind: ['client', 'consumer', 'internal', 'producer', 'server', 'unspecified'],
  }),
);
/** Tags that are columns here. */
const COLUMNS = new Map<string, string>(
  Object.entries({
    name: 'operation',
    rootName: 'operation',
    'trace:rootName': 'operation',
    rootServiceName: 'service',
    'trace:rootService': 'service',
    statusMessage: 'message',
  }),
);

export interface TagScope {
  name: string;
  tags: string[];
}

/** Tags by scope; all scopes, or the one `scope` names. */
export async function tagScopes(pool: pg.Pool, query: Query, limits: RunOptions): Promise<TagScope[]> {
  const wanted = one(query, 'scope');
  const max = countOf('limit', one(query, 'limit'), MAX, MAX);
  const params = { ...timesOf(query), limit: MAX };
  const { rows } = await runQuery(pool, queryNamed('attribute-keys'), params, limits);
  const found: TagScope[] = [];
  for (const [name, place] of SCOPES) {
    const keys = rows.filter((row) => row.place === place).map((row) => String(row.key));
    // Spans of our own tracers have it in a column.
    if (name === 'resource') keys.push('service.name');
    found.push({ name, tags: [...new Set(keys)].sort().slice(0, max) });
  }
  found.push({ name: 'intrinsic', tags: [...INTRINSIC_NAMES] });
  return found.filter(({ name, tags }) => (wanted ? name === wanted : true) && tags.length > 0);
}

export interface TagValue {
  type: 'string' | 'int' | 'float' | 'bool' | 'keyword';
  value: string;
}

/** Values of `service.name`, `.http.method`, `resource.host.name` or `status`, the most frequent first. */
export async function tagValues(pool: pg.Pool, tag: string, query: Query, limits: RunOptions): Promise<TagValue[]> {
  const keywords = KEYWORDS.get(tag.replace(/^span:/, ''));
  if (keywords) return keywords.map((value) => ({ type: 'keyword', value }));
  const max = countOf('limit', one(query, 'limit'), MAX, MAX);
  const params = { ...timesOf(query), ...attributeOf(tag), limit: max };
  const { rows } = await runQuery(pool, queryNamed('attribute-values'), params, limits);
  const values = new Set(rows.filter((row) => isColumn(tag) || row.place !== 'column').map((row) => String(row.value)));
  return [...values].map((value) => ({ type: typeOf(value), value }));
}

function isColumn(tag: string): boolean {
  return attributeOf(tag).place === 'column';
}

function attributeOf(tag: string): { key: string; place?: string } {
  if (/^(?:resource)?\.?service\.name$/.test(tag)) return { key: 'service', place: 'column' };
  const column = COLUMNS.get(tag.replace(/^span:(?=name$|statusMessage$)/, ''));
  if (column) return { key: column, place: 'column' };
  const [, scope = '', name] = /^(\w+)[.:](.+)$/s.exec(tag) ?? [];
  const place = SCOPES.get(scope);
  return place && name ? { key: name, place } : { key: tag.replace(/^\./, '') };
}

/** Attributes are kept as JSON, where a text of digits and a number are asked for alike. */
function typeOf(value: string): TagValue['type'] {
  if (value === 'true' || value === 'false') return 'bool';
  if (/^-?(?:0|[1-9]\d{0,17})$/.test(value)) return 'int';
  return /^-?\d{1,15}\.\d{1,15}$/.test(value) ? 'float' : 'string';
}
