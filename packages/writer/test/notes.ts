// What writers note of spans, compared with the spans themselves.
import assert from 'node:assert/strict';
import type pg from 'pg';

const COUNTS = {
  noted: (facet: number) => `
    select c.at::text, ${columnsOf('c', facet)}, c.root, c.counts[i][1] as bucket, sum(c.counts[i][2])::int as calls, sum(c.counts[i][3])::int as errors
    from beacon.span_counts(now() - interval '2 days', now() + interval '1 day', '10 minutes', of_facet => ${facet}) c
    cross join generate_subscripts(c.counts, 1) i
    group by 1, 2, 3, 4, 5 having sum(c.counts[i][2]) <> 0 order by 1, 2, 3, 4, 5`,
  stored: (facet: number) => `
    select date_bin('10 minutes', s.started_at, '2000-01-01Z')::text as at, ${columnsOf('s', facet)}, s.parent_span_id is null as root,
      coalesce(beacon.duration_bucket(s.duration_ms), -1) as bucket, count(*)::int as calls,
      (count(*) filter (where beacon.has_failed(s.status)))::int as errors
    from beacon.trace_spans s group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
};

function columnsOf(row: string, facet: number): string {
  const service = facet < 2 ? `${row}.service` : `''`;
  return facet === 0
    ? `${service} as service, ${row}.operation || ' ' || ${row}.kind as operation`
    : `${service} as service, '' as operation`;
}

/** Attributes of a span wherever it has them. */
const ATTRIBUTES = `(
  select m.key, m.value from jsonb_each(s.metadata) m
  union all
  select m.key, m.value from jsonb_array_elements(s.events) e,
    jsonb_each(coalesce(e -> 'attributes', '{}') || jsonb_build_object('name', e -> 'name')) m
  union all
  select m.key, m.value from jsonb_array_elements(s.links) e, jsonb_each(coalesce(e -> 'attributes', '{}')) m)`;

/** Spans, by their operation, that the chunk index would not lead to by all they have. */
const LOST = `
with expected as (
  select s.operation, s.created_at, s.started_at, array(
    select distinct (q.h & 1048575)::integer from (
      select hashtextextended(a.key, 0) as h from ${ATTRIBUTES} a
      union all
      select beacon.json_hash(a.key, a.value) from ${ATTRIBUTES} a where jsonb_typeof(a.value) not in ('array', 'object')
      union all
      select beacon.json_hash(a.key, e) from ${ATTRIBUTES} a,
        jsonb_array_elements(case when jsonb_typeof(a.value) = 'array' then a.value end) e
      where jsonb_typeof(e) not in ('array', 'object')
      union all
      select beacon.column_hash(k.name, k.value) from (values ('service', s.service), ('operation', s.operation),
        ('status', s.status), ('kind', s.kind), ('model', s.model_id), ('region', s.region), ('error', s.error_type),
        ('resource', s.resource_id::text)) k (name, value)
      where k.value is not null) q) as hashes
  from beacon.trace_spans s
), prints as (
  select c.*, array(
    select unnest(c.few)
    union all
    select ((f + 32768) << 4) | i.segment from beacon.span_chunk_index i, unnest(i.fingerprints) f where i.chunk_id = c.chunk_id) as has
  from beacon.span_chunks c
)
select e.operation from expected e where not exists (
  select from prints p where e.created_at between p.created_from and p.created_to
    and e.started_at between p.started_from and p.active_to and p.has @> e.hashes)`;

/** Traces whose signature would rule out something that a span of theirs has. */
const UNSIGNED = `
select t.trace_id, q.h from beacon.traces t
cross join lateral (
  select beacon.json_hash(a.key, a.value) as h from beacon.trace_spans s cross join lateral ${ATTRIBUTES} a
  where s.trace_id = t.trace_id and jsonb_typeof(a.value) not in ('array', 'object')
  union all
  select beacon.json_hash(a.key, e) from beacon.trace_spans s cross join lateral ${ATTRIBUTES} a,
    jsonb_array_elements(case when jsonb_typeof(a.value) = 'array' then a.value end) e
  where s.trace_id = t.trace_id and jsonb_typeof(e) not in ('array', 'object')
  union all
  select beacon.column_hash(k.name, k.value) from beacon.trace_spans s cross join lateral (values ('operation', s.operation),
    ('model', s.model_id), ('region', s.region), ('resource', s.resource_id::text)) k (name, value)
  where s.trace_id = t.trace_id and k.value is not null) q
where t.signature & beacon.signature_mask(q.h) <> beacon.signature_mask(q.h)`;

/** Traces of writers without a signature; those of lost spans have been noted by SQL. */
const UNKNOWN = `
select t.trace_id from beacon.traces t where t.signature is null and not exists (
  select from beacon.trace_spans s where s.trace_id = t.trace_id and (s.status = 'lost' or s.otel ? 'was_lost'))`;

/** Fails where counts differ from the spans, or a span would not be found by something it has. */
export async function notesAreRight(client: pg.Client): Promise<void> {
  for (const facet of [0, 1, 2]) {
    const { rows: noted } = await client.query(COUNTS.noted(facet));
    assert.deepEqual(noted, (await client.query(COUNTS.stored(facet))).rows, `counts by facet ${facet}`);
  }
  assert.deepEqual((await client.query(LOST)).rows, []);
  assert.deepEqual((await client.query(UNSIGNED)).rows, []);
  assert.deepEqual((await client.query(UNKNOWN)).rows, []);
}
