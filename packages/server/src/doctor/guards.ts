// What an owner has put on Beacon's tables that may keep rows from being stored or seen: triggers, rules, row security.
import type pg from 'pg';

export interface Guard {
  kind: 'trigger' | 'rule' | 'policy';
  /** With name and table. */
  what: string;
  relation: string;
  name: string;
}

/** Empty where there are none, or where nothing can be read. */
export async function guards(pool: pg.Pool | undefined): Promise<Guard[]> {
  const { rows } = (await pool?.query('select * from beacon.doctor_guards()').catch(() => undefined)) ?? { rows: [] };
  return rows.map(({ kind, relation, name }) => ({
    kind,
    relation,
    name,
    what: kind === 'policy' ? `row-level security of ${relation}` : `${kind} ${name} on ${relation}`,
  }));
}

/** What makes rows vanish, by the first of the guards. */
export function swallowed(what: string, [first, ...others]: Guard[]): { fault: string; summary: string; fix: string } {
  if (first === undefined) {
    return { fault: 'NOT_STORED', summary: what, fix: 'Look at what else writes to or deletes from these tables.' };
  }
  const all = [first, ...others].map((guard) => guard.what).join(', ');
  if (first.kind === 'policy') {
    return {
      fault: 'ROW_SECURITY',
      summary: `${what}: ${all} hides or refuses it`,
      fix: `Write a policy that lets the role read and insert, or: alter table ${first.relation} disable row level security.`,
    };
  }
  return {
    fault: 'ROWS_DISCARDED',
    summary: `${what}: ${all} discards it`,
    fix: `Drop or correct it: drop ${first.kind} ${first.name} on ${first.relation}.`,
  };
}
