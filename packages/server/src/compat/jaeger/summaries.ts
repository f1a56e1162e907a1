// Traces in a line each, as `api/v3/trace-summaries` has them: without their spans.
import type pg from 'pg';

/** Fields of Jaeger's TraceSummary; those that are 0 are left out, as in all JSON of protobuf. */
export interface TraceSummary {
  traceId: string;
  rootServiceName?: string;
  rootOperationName?: string;
  minStartTimeUnixNano: string;
  maxEndTimeUnixNano: string;
  spanCount: number;
  errorSpanCount?: number;
  /** Spans whose parent is not in the trace. */
  orphanSpanCount?: number;
  services: Array<{ name: string; spanCount: number; errorSpanCount?: number }>;
}

const SUMMARIES = `
with spans as materialized (
  select q.trace_id, q.span_id, q.parent_span_id, q.service, q.status, q.started_at, q.started_ns, q.duration_ms
  from beacon.spans_of($1::uuid[], (select min(m.started_at) from beacon.traces m where m.trace_id = any($1::uuid[]))) q
)
select encode(uuid_send(s.trace_id), 'hex') as id, s.service, count(*)::integer as spans,
  (count(*) filter (where s.status in ('failed', 'timeout')))::integer as errors,
  (count(*) filter (where s.parent_span_id is not null and not exists (
    select from spans p where p.trace_id = s.trace_id and p.span_id = s.parent_span_id)))::integer as orphans,
  min((extract(epoch from s.started_at) * 1000000)::bigint::numeric * 1000 + s.started_ns)::text as first,
  max((extract(epoch from s.started_at) * 1000000)::bigint::numeric * 1000 + s.started_ns
    + coalesce(round(s.duration_ms::numeric * 1000000), 0))::bigint::text as last,
  t.root_service, t.root_operation
from beacon.traces t
join spans s on s.trace_id = t.trace_id
where t.trace_id = any($1::uuid[])
group by s.trace_id, s.service, t.root_service, t.root_operation
order by s.service collate "C"`;

/** Summaries of these traces, in their order. */
export async function traceSummaries(client: Pick<pg.Pool, 'query'>, ids: string[]): Promise<TraceSummary[]> {
  const { rows } = await client.query(SUMMARIES, [ids]);
  const byTrace = Map.groupBy(rows, ({ id }) => id as string);
  return ids.flatMap((id) => {
    const found = byTrace.get(id);
    if (!found?.[0]) return [];
    const sum = (name: string) => found.reduce((total, row) => total + row[name], 0);
    const ends = (name: string) => found.map((row) => BigInt(row[name])).sort((a, b) => (a < b ? -1 : 1));
    const [{ root_service: service, root_operation: operation }] = found;
    return {
      traceId: id,
      ...(service ? { rootServiceName: service } : {}),
      ...(operation ? { rootOperationName: operation } : {}),
      minStartTimeUnixNano: String(ends('first')[0]),
      maxEndTimeUnixNano: String(ends('last').at(-1)),
      spanCount: sum('spans'),
      ...nonzero('errorSpanCount', sum('errors')),
      ...nonzero('orphanSpanCount', sum('orphans')),
      services: found.map((row) => ({
        name: row.service,
        spanCount: row.spans,
        ...nonzero('errorSpanCount', row.errors),
      })),
    };
  });
}

function nonzero<Name extends string>(name: Name, value: number): { [key in Name]?: number } {
  return (value === 0 ? {} : { [name]: value }) as { [key in Name]?: number };
}
