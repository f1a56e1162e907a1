// Cells of a job that are to be tried again: same execution, new attempt, what earlier attempts left is kept.
import type pg from 'pg';
import type { Delivery } from './delivery.ts';
import { RequestError } from './errors.ts';
import { findJob } from './jobs.ts';
import type { Rerun } from './request.ts';
import { inTransaction } from './store.ts';

/** Which cells each choice means, by what Beacon says of them (`beacon.execution_cells`). */
const VALIDITIES: Record<Rerun['only'], readonly string[]> = {
  infrastructure: ['infrastructure'],
  failed: ['infrastructure', 'empty'],
  flaky: ['flaky'],
};

export interface Reran {
  job_id: number;
  only: Rerun['only'];
  region: string | null;
  /** Executions that will be tried again, in order. */
  executions: number[];
}

/**
 * Gives the cells back to the queues. Asked twice at once, each cell is taken by one of the two: the second finds it
 * pending, or with another attempt than the one it was judged by.
 *
 * @param attempts how many more each may have.
 * @throws RequestError 404 for a job that is not there, 409 for one that was cancelled.
 */
export async function rerunJob(
  pool: pg.Pool,
  delivery: Delivery,
  id: string,
  { only, region }: Rerun,
  attempts: number,
): Promise<Reran> {
  const job = (await findJob(pool, id)) as { id: number; regions?: string[]; cancelled_at?: unknown };
  if (job.cancelled_at) {
    throw new RequestError(409, 'job_cancelled', `Job ${id} was cancelled; submit a new one to ask again.`, 'id');
  }
  const regions = job.regions ?? [];
  if (region !== undefined && !regions.includes(region)) {
    throw new RequestError(
      400,
      'invalid_request',
      `region: job ${id} has no region ${region}; it has ${regions.join(', ')}.`,
      'region',
    );
  }
  await Promise.all(regions.map((each) => delivery.open(each)));
  const again = await inTransaction(pool, async (db) => {
    // One at a time for each job: two that lock its executions in different orders would end in a deadlock.
    await db.query('select from runner.jobs where id = $1::bigint for no key update', [id]);
    const { rows } = await db.query(
      `with judged as materialized (
         select e.id, e.attempt from beacon.execution_cells($1, false) c
         join runner.executions e on e.id = c.execution_id
         where e.job_id = $1::bigint and c.validity = any ($2::text[]) and ($3::text is null or e.region = $3)
       )
       update runner.executions e
       set status = 'pending', lease = null, completed_at = null, available_at = now(), max_attempts = e.attempt + $4::integer
       from judged j
       where e.id = j.id and e.attempt = j.attempt and e.status in ('completed', 'failed')
       returning e.id, e.region`,
      [id, VALIDITIES[only], region ?? null, attempts],
    );
    await delivery.send(db, rows);
    return rows as { id: string; region: string }[];
  });
  for (const each of new Set(again.map((execution) => execution.region))) delivery.poke(each);
  return {
    job_id: Number(id),
    only,
    region: region ?? null,
    executions: again.map((execution) => Number(execution.id)).sort((a, b) => a - b),
  };
}
