// Stores what a batch's digest says, in the transaction of its spans.
import type pg from 'pg';
import type { Digest, SpanName } from './digest.ts';

const SINCE_2000 = `timestamptz '2000-01-01 00:00:00+00'`;

const INSERT_NOTES = `
with chunk as (
  insert into beacon.span_chunks (created_from, created_to, started_from, active_to, spans, few)
  select c.at, c.at, ${SINCE_2000} + $2::bigint * interval '1 microsecond', ${SINCE_2000} + $3::bigint * interval '1 microsecond',
    $4::integer, $5::integer[]
  from (select coalesce($1::timestamptz, now()) as at) c
  returning chunk_id
), indexed as (
  insert into beacon.span_chunk_index (segment, chunk_id, fingerprints)
  select s.segment, c.chunk_id, s.fingerprints::smallint[]
  from chunk c cross join unnest($6::smallint[], $7::text[]) s (segment, fingerprints)
)
insert into beacon.span_deltas (name_ids, minutes, lasts, classes, calls, totals, minute_from, minute_to)
select $8::bigint[], $9::integer[], $10::integer[], $11::smallint[], $12::integer[], $13::double precision[], $14::integer, $15::integer
where $14 is not null`;

/**
 * Stores the notes of a digest.
 *
 * @param createdAt When its rows were stored; null for now.
 */
export async function note(client: pg.ClientBase, digest: Digest, createdAt: string | null): Promise<void> {
  const found = digest.fingerprints();
  const { from, to } = digest.time;
  const [few, numbers, lists] =
    'few' in found
      ? [`{${found.few.join()}}`, '{}', '{}']
      : [
          null,
          `{${found.segments.map((_, i) => i).join()}}`,
          `{${found.segments.map((each) => `"{${each.join()}}"`).join()}}`,
        ];
  const cells = digest.cells();
  const minutes = cells.map(({ minute }) => minute);
  const list = (values: (string | number)[]) => `{${values.join()}}`;
  const range = cells.length === 0 ? [null, null] : [least(minutes), -least(minutes.map((minute) => -minute))];
  await client.query(INSERT_NOTES, [
    createdAt,
    from,
    to,
    digest.spans,
    few,
    numbers,
    lists,
    list(cells.map(({ name }) => name.id)),
    list(minutes),
    list(cells.map(({ last }) => last)),
    list(cells.map((cell) => cell.class)),
    list(cells.map(({ calls }) => calls)),
    list(cells.map(({ total }) => total)),
    ...range,
  ]);
}

function least(values: readonly number[]): number {
  return values.reduce((min, value) => Math.min(min, value), Number.POSITIVE_INFINITY);
}

// Hourly at most: what keeps a name is that something has it, not how often.
const INSERT_NAMES = `
insert into beacon.span_names as n (name_id, service, operation, kind, seen_at)
select d.name_id, d.service, d.operation, d.kind, now()
from jsonb_to_recordset($1::jsonb) as d (name_id bigint, service text, operation text, kind text)
order by d.name_id
on conflict (name_id) do update set seen_at = excluded.seen_at where n.seen_at < excluded.seen_at - interval '1 hour'`;

/** Stores the names that are not known to be stored; returns their keys among what is known. */
export async function insertNames(
  client: pg.ClientBase,
  names: Iterable<SpanName>,
  known: ReadonlySet<string> | undefined,
): Promise<string[]> {
  const missing = [...names].filter(({ id }) => !known?.has(keyOf(id)));
  if (missing.length === 0) return [];
  const rows = missing.map(({ id, ...name }) => ({ name_id: id, ...name }));
  await client.query(INSERT_NAMES, [JSON.stringify(rows)]);
  return missing.map(({ id }) => keyOf(id));
}

/** Beside ids of resources, which are numbers too. */
function keyOf(nameId: string): string {
  return `name ${nameId}`;
}
