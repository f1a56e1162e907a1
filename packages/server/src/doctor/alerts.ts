// Whether alerts arrive: rules that cannot be asked, targets that do not acknowledge, and the newest acknowledgement read back.
import type pg from 'pg';
import type { Finding } from './finding.ts';

const LATE = '2 minutes';

export async function examineAlerts(pool: pg.Pool): Promise<Finding[]> {
  const { rows: rules } = await pool.query(
    `select name, last_error, targets = '{}' as silent, evaluated_at is null or evaluated_at < beacon.clock() - every - interval '${LATE}' as late,
       created_at < beacon.clock() - interval '${LATE}' as settled
     from beacon.alert_rules order by name`,
  );
  const { rows: targets } = await pool.query(
    `select t.name, max(d.acknowledged_at) as acknowledged_at, count(*) filter (where d.acknowledged_at is null and d.id is not null) as waiting,
       count(*) filter (where d.acknowledged_at is null and d.created_at < beacon.clock() - interval '${LATE}') as late,
       (array_agg(d.last_error order by d.nth) filter (where d.acknowledged_at is null and d.last_error is not null))[1] as last_error,
       (array_agg(d.id order by d.acknowledged_at desc nulls last))[1] as newest
     from beacon.alert_targets t left join beacon.alert_deliveries d on d.target = t.name group by t.name order by t.name`,
  );
  const findings: Finding[] = [];
  const add = (finding: Omit<Finding, 'hop'>) => findings.push({ hop: 'configuration', ...finding });
  for (const { name, last_error: error, late, settled, silent } of rules) {
    if (error) {
      add({
        ...{ state: 'fault', fault: 'ALERT_RULE_FAILS', summary: `the alert rule ${name} cannot be asked: ${error}` },
        fix: `Change it with \`beacon make-alert ${name}\`, or remove it with \`beacon remove-alert ${name}\`.`,
      });
    } else if (late && settled) {
      add({
        ...{
          state: 'fault',
          fault: 'ALERTS_NOT_EVALUATED',
          summary: `no server has asked the alert rule ${name} for more than ${LATE}`,
        },
        fix: 'Run `beacon serve` (not --read-only): it evaluates rules and sends what they find.',
      });
    }
    if (silent) add({ state: 'note', summary: `the alert rule ${name} has no target: what it finds is only noted` });
  }
  for (const { name, acknowledged_at: at, waiting, late, last_error: error, newest } of targets) {
    if (Number(late) > 0) {
      add({
        ...{ state: 'fault', fault: 'ALERTS_NOT_DELIVERED' },
        summary: `${waiting} messages wait for the alert target ${name}${error ? `: ${error}` : ''}`,
        evidence: { last_acknowledged: at },
        fix: `They are sent until it acknowledges them. \`beacon test-alert ${name}\` tries it now.`,
      });
    } else if (at) {
      add({
        ...{ state: 'good', summary: `the alert target ${name} acknowledged its newest message` },
        evidence: { delivery: newest, acknowledged_at: at },
      });
    } else if (Number(waiting) === 0) {
      add({
        state: 'note',
        summary: `nothing was ever sent to the alert target ${name}: \`beacon test-alert ${name}\` tries it`,
      });
    }
  }
  return findings;
}
