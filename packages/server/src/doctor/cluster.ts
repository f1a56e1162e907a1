// A Citus cluster, where spans are spread over one: whether its workers answer, and what a crash left half committed.
import type pg from 'pg';
import { isDistributed } from '../store/citus.ts';
import type { Finding } from './finding.ts';

/** Citus itself ends what is older than a minute. */
const DANGLING_SECONDS = 120;

interface Answer {
  worker: string;
  success: boolean;
  result: string;
}

/** Nothing where spans are not distributed. */
export async function examineCluster(pool: pg.Pool): Promise<Finding[]> {
  if (!(await isDistributed(pool))) return [];
  const { rows } = await pool.query<Answer>(
    `select w.nodename || ':' || w.nodeport as worker, w.success, w.result
     from run_command_on_workers($1) w order by 1`,
    [`select count(*) from pg_prepared_xacts where prepared < now() - interval '${DANGLING_SECONDS} seconds'`],
  );
  const away = rows.filter(({ success }) => !success);
  const dangling = rows.filter(({ success, result }) => success && Number(result) > 0);
  const findings: Finding[] = away.map(({ worker, result }) => ({
    hop: 'committed',
    state: 'fault',
    fault: 'WORKER_AWAY',
    summary: `the worker ${worker} of the cluster does not answer: no batch can be stored, and what it holds cannot be read`,
    evidence: { worker, said: result, workers: rows.length },
    fix: 'Start it. What was acknowledged is there when it is back; senders keep what was not.',
  }));
  if (dangling.length > 0) {
    findings.push({
      hop: 'committed',
      state: 'fault',
      fault: 'PREPARED_TRANSACTIONS_LEFT',
      summary: `transactions have been prepared and not ended for ${DANGLING_SECONDS} s on ${dangling.map(({ worker }) => worker).join(', ')}: their spans are not visible, and they hold back vacuum`,
      evidence: Object.fromEntries(dangling.map(({ worker, result }) => [worker, Number(result)])),
      fix: 'Run `select recover_prepared_transactions()` on the coordinator, as a superuser; see that citus.recover_2pc_interval is not -1.',
    });
  }
  if (findings.length === 0) {
    const summary = `all ${rows.length} workers of the cluster answer, and none holds a transaction that was left`;
    findings.push({ hop: 'committed', state: 'good', summary });
  }
  return findings;
}
