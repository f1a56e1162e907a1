// Which tags there are, and which values: what Grafana's query builder offers.
import type pg from 'pg';
import { type RunOptions, readOnly, runQuery } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { countOf, queryNamed } from '../params.ts';
import { one, type Query, rangeOf, timesOf } from './search.ts';
import type { AttributeNode, Field, Stage } from './traceql/ast.ts';
import { inspect, isOfSpans, type Progress } from './traceql/inspect.ts';
import type { TraceSpan } from './traceql/model.ts';
import { valueIn } from './traceql/model.ts';
import { needsOfStages } from './traceql/needs.ts';
import { parseTraceQl } from './traceql/parse.ts';
import { durationText, pipeline } from './traceql/spansets.ts';
import { spanCondition } from './traceql/sql.ts';
import type { Value } from './traceql/values.ts';
import { INTRINSICS, Words } from './traceql/words.ts';

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
/** Spans looked at for names and values. */
const SAMPLE = 10_000;
const INTRINSIC_NAMES = [...INTRINSICS.keys()].sort();
const KEYWORDS: Record<string, string[]> = {
  status: ['error', 'ok', 'unset'],
  kind: ['client', 'consumer', 'internal', 'producer', 'server', 'unspecified'],
};
/** Of these every span has its own, or no one would choose one from a list. */
const NOT_LISTED = new Set<string>([
  'duration',
  'traceDuration',
  'event:timeSinceStart',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'span:childCount',
  'span:id',
  'span:parentID',
  'trace:id',
  'link:spanID',
  'link:traceID',
]);

export interface TagScope {
  name: string;
  tags: string[];
}

/** Tags by scope; all scopes, or the one `scope` names. With `q` those of the spans it finds. */
export async function tagScopes(pool: pg.Pool, query: Query, limits: RunOptions): Promise<TagScope[]> {
  const wanted = one(query, 'scope');
  if (wanted !== undefined && wanted !== 'none' && wanted !== 'intrinsic' && !SCOPES.has(wanted)) {
    const known = [...SCOPES.keys(), 'intrinsic'].join(', ');
    throw new BeaconError('usage', `scope is "${wanted.slice(0, 50)}".`, `It must be one of ${known}.`);
  }
  const max = countOf('limit', one(query, 'limit'), MAX, MAX);
  const stages = stagesOf(query);
  const found = stages ? await tagsFound(pool, stages, query, limits) : await tagsKnown(pool, query, limits);
  const scopes = [...SCOPES.keys()].map((name) => ({ name, tags: [...(found.get(name) ?? [])].sort().slice(0, max) }));
  scopes.push({ name: 'intrinsic', tags: INTRINSIC_NAMES });
  return scopes.filter(({ name, tags }) => (wanted && wanted !== 'none' ? name === wanted : true) && tags.length > 0);
}

type Tags = Map<string, Set<string>>;

async function tagsKnown(pool: pg.Pool, query: Query, limits: RunOptions): Promise<Tags> {
  const params = { ...timesOf(query), limit: MAX };
  const { rows } = await runQuery(pool, queryNamed('attribute-keys'), params, limits);
  const found: Tags = new Map();
  for (const [name, place] of SCOPES) {
    found.set(name, new Set(rows.filter((row) => row.place === place).map((row) => String(row.key))));
  }
  // Spans of our own tracers have it in a column.
  if (rows.length > 0) found.get('resource')?.add('service.name');
  return found;
}

async function tagsFound(pool: pg.Pool, stages: Stage[], query: Query, limits: RunOptions): Promise<Tags> {
  const found: Tags = new Map([...SCOPES.keys()].map((name) => [name, new Set<string>()]));
  const add = (scope: string, attributes: Map<string, Value>) => {
    for (const name of attributes.keys()) found.get(scope)?.add(name);
  };
  await each(pool, stages, [], query, limits, (span) => {
    add('span', span.attributes);
    add('resource', span.resource);
    add('instrumentation', span.scope);
    for (const { attributes } of span.events) add('event', attributes);
    for (const { attributes } of span.links) add('link', attributes);
  });
  return found;
}

export interface TagValue {
  type: 'string' | 'int' | 'float' | 'bool' | 'duration' | 'keyword';
  value: string;
}

/**
 * Values of `service.name`, `.http.method`, `resource.host.name` or `status`, the most frequent first. With `q` those of
 * the spans it finds.
 */
export async function tagValues(pool: pg.Pool, tag: string, query: Query, limits: RunOptions): Promise<TagValue[]> {
  const attribute = attributeOf(tag);
  if (attribute.node === 'intrinsic') {
    const keywords = KEYWORDS[attribute.name];
    if (keywords) return keywords.map((value) => ({ type: 'keyword', value }));
    if (NOT_LISTED.has(attribute.name)) return [];
  }
  const max = countOf('limit', one(query, 'limit'), MAX, MAX);
  const asked = stagesOf(query) ?? [];
  if (asked.length === 0 && attribute.node === 'attribute' && attribute.name === 'service.name') {
    if (attribute.scope === 'resource') return services(pool, query, limits, max);
  }
  const having: Field = { node: 'exists', negated: false, operand: attribute, at: 0 };
  const stages: Stage[] = [...asked, { node: 'filter', field: having, at: 0 }];
  const counts = new Map<string, { value: TagValue; count: number }>();
  await each(pool, stages, [attribute], query, limits, (span) => {
    const parts = span.partsOf(attribute);
    const values = parts?.length ? parts.map((part) => valueIn(part, attribute)) : [span.value(attribute)];
    for (const value of values.flatMap(shown)) {
      const key = `${value.type} ${value.value}`;
      const known = counts.get(key) ?? { value, count: 0 };
      known.count += 1;
      counts.set(key, known);
    }
  });
  const byCount = [...counts.values()].sort((a, b) => b.count - a.count || (a.value.value < b.value.value ? -1 : 1));
  return byCount.slice(0, max).map(({ value }) => value);
}

/** All of them, not of a sample. */
async function services(pool: pg.Pool, query: Query, limits: RunOptions, max: number): Promise<TagValue[]> {
  const { from, to } = rangeOf(query);
  return readOnly(pool, limits, async ({ client }) => {
    const { rows } = await client.query(
      `select x.service from beacon.traces t cross join lateral unnest(t.services) x (service)
      where t.started_at >= $1 and t.started_at < $2 group by x.service order by count(*) desc, x.service limit $3`,
      [from, to, max],
    );
    return rows.map(({ service }) => ({ type: 'string', value: service }));
  });
}

function shown(value: Value): TagValue[] {
  switch (value.type) {
    case 'nil':
      return [];
    case 'list':
      return value.values.flatMap(shown);
    case 'duration':
      return [{ type: 'duration', value: durationText(value.value) }];
    case 'status':
    case 'kind':
      return [{ type: 'keyword', value: value.value }];
    case 'string':
      return value.value === '' ? [] : [{ type: 'string', value: value.value }];
    default:
      return [{ type: value.type, value: String(value.value) }];
  }
}

/** The filter of `q`; what cannot be read yet, because it is still being typed, narrows nothing, as in Tempo. */
function stagesOf(query: Query): Stage[] | undefined {
  const q = one(query, 'q');
  if (q === undefined) return undefined;
  try {
    const parsed = parseTraceQl(q);
    if (parsed.kind !== 'search') return undefined;
    const isAll = parsed.stages.every((stage) => stage.node === 'filter' && stage.field === null);
    return isAll ? undefined : parsed.stages;
  } catch (error) {
    if (error instanceof BeaconError) return undefined;
    throw error;
  }
}

async function each(
  pool: pg.Pool,
  stages: Stage[],
  more: Field[],
  query: Query,
  limits: RunOptions,
  take: (span: TraceSpan) => void,
): Promise<void> {
  const run = pipeline(stages);
  const progress: Progress = { traces: 0, spans: 0, left: null };
  const search = {
    needs: needsOfStages(stages),
    condition: spanCondition(stages),
    ofSpans: isOfSpans(stages, more),
    range: rangeOf(query),
    first: 500,
  };
  await readOnly(pool, limits, async ({ client }) => {
    for await (const batch of inspect(client, search, progress)) {
      for (const { spans } of batch) for (const set of run(spans)) set.spans.forEach(take);
      if (progress.spans >= SAMPLE) return;
    }
  });
}

/** A name without a scope is looked up wherever it may be. */
function attributeOf(tag: string): AttributeNode {
  const intrinsic = INTRINSICS.get(tag);
  if (intrinsic) return { node: 'intrinsic', name: intrinsic, at: 0 };
  if (tag === 'service.name' || tag === '.service.name') {
    return { node: 'attribute', scope: 'resource', name: 'service.name', at: 0 };
  }
  const plain: AttributeNode = { node: 'attribute', scope: 'none', name: tag, at: 0 };
  if (!/^(?:span|resource|event|link|instrumentation)?\./.test(tag)) return plain;
  try {
    return new Words(tag).attribute() ?? plain;
  } catch {
    return plain;
  }
}
