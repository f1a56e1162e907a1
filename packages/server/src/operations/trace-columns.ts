// A whole trace at once, for whoever draws it: not rows but columns, as JSON that PostgreSQL has made and nobody parses here.
import type pg from 'pg';

/**
 * Text of the answer of `GET /api/v1/trace-columns`; null when the trace has no spans. What its parts mean is said at
 * beacon.trace_columns. 100,000 spans are some 5 MB.
 */
export async function traceColumns(client: pg.ClientBase, traceId: string): Promise<string | null> {
  const { rows } = await client.query(
    `select c.started_at::text, c.duration_ms, c.names, c.services, c.colors, c.errors, c.notes, c.columns::text, c.spans,
       c.failed, c.orphans, c.clocks, c.execution_id::text, c.job_id, c.model_id, c.region,
       array(select x.trace_id::text from beacon.trace_executions x where x.execution_id = c.execution_id
         order by x.started_at, x.trace_id) as attempts
     from beacon.trace_columns($1::uuid) c`,
    [traceId],
  );
  const [found] = rows;
  if (!found) return null;
  const parts = {
    trace_id: traceId,
    started_at: found.started_at.replace(' ', 'T').replace(/\+00$/, 'Z'),
    duration_ms: found.duration_ms,
    traces_of_execution: found.attempts.map((id: string) => id.replaceAll('-', '')),
    names: found.names,
    services: found.services.map((name: string, n: number) => ({ name, color: found.colors[n] })),
    errors: found.errors,
    notes: found.notes,
    header: {
      execution_id: found.execution_id,
      job_id: found.job_id,
      model_id: found.model_id,
      region: found.region,
      span_count: found.spans,
      error_count: found.failed,
      orphan_count: found.orphans,
      corrected_clock_ms: found.clocks,
    },
  };
  return `${JSON.stringify(parts).slice(0, -1)},"columns":${found.columns}}`;
}
