// Asks the queries of the rules whose turn it is, and hands what met their conditions to SQL, which notes it.
import type pg from 'pg';
import { z } from 'zod';
import { meets } from '../queries/alert-condition.ts';
import { checkRule, type Rule } from '../queries/alerts.ts';
import type { Query } from '../queries/query.ts';
import { runQuery } from '../queries/run.ts';
import type { Row } from '../store/values.ts';

interface DueRule extends Rule {
  name: string;
  /** Seconds. */
  within: number;
}

/** Columns that distinguish failures where a rule names none: those of them that the query has. */
const TELLING = ['type', 'fault', 'service', 'operation', 'error_type', 'job_id', 'measure', 'a', 'b', 'name'];
/** Failures of one evaluation that are alerts of their own; beyond it a rule is too wide to be read by people. */
const MAX_ALERTS = 100;

/** One turn: how many deliveries were made. A rule that cannot be asked says so in its row, and leaves its alerts as they are. */
export async function evaluateRules(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(
    `select r.name, r.query, r.params, r.condition, r.fingerprint, extract(epoch from r.within_time)::double precision as within
     from beacon.due_alert_rules() r`,
  );
  let made = 0;
  for (const rule of rows as DueRule[]) {
    try {
      const { found, complete, leftOut } = await ask(pool, rule);
      const noted = await pool.query('select beacon.note_alerts($1, $2, $3) as made', [
        rule.name,
        JSON.stringify(found),
        complete,
      ]);
      made += noted.rows[0].made;
      if (leftOut > 0)
        throw new Error(
          `${leftOut} of its failures are left out: narrow the condition, or name fewer columns as fingerprint.`,
        );
    } catch (error) {
      await pool.query('update beacon.alert_rules set last_error = $2 where name = $1', [
        rule.name,
        sentence(error).slice(0, 500),
      ]);
    }
  }
  return made;
}

async function ask(pool: pg.Pool, rule: DueRule) {
  const { query, columns, terms } = checkRule(rule);
  const ranged = 'from' in query.params.shape && rule.params.from === undefined;
  const params = { limit: query.limit.max, ...rule.params, ...(ranged && { from: `${Math.ceil(rule.within)}s` }) };
  const answer = await runQuery(pool, query, params, { fresh: true }).catch((error) => {
    // What does not exist has no failures.
    if (error.code === 'not_found') return { rows: [], truncated: null };
    throw error;
  });
  const key = rule.fingerprint.length > 0 ? rule.fingerprint : TELLING.filter((column) => columns.includes(column));
  const met = answer.rows.filter((row) => meets(row, terms)).map((row) => alertOf(rule, query, row, key));
  const failures = [...new Map(met.map((alert) => [alert.fingerprint, alert])).values()];
  return {
    found: failures.slice(0, MAX_ALERTS),
    // Of rows that were not seen, none can be said to be over.
    complete: answer.truncated === null && failures.length <= MAX_ALERTS,
    leftOut: Math.max(0, failures.length - MAX_ALERTS),
  };
}

function alertOf(rule: DueRule, query: Query, row: Row, key: string[]) {
  const named = key.map((column) => `${row[column] ?? ''}`);
  const text = row.summary ?? row.said ?? row.what ?? named.filter(Boolean).join(' ');
  const cause = [row.type ?? row.fault, row.recommendation ?? row.fix].filter(Boolean).join(': ');
  return {
    fingerprint: key.length > 0 ? named.join('\u001f') : query.name,
    summary: `${rule.name}: ${text}`,
    cause: cause || null,
    link: linkOf(query.name, row),
    facts: Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_'))),
  };
}

function linkOf(query: string, row: Row): string {
  const execution = row.example_execution_id ?? row.execution_id;
  const trace = row.example_trace_id ?? row.trace_id;
  if (execution) return `/execution/${encodeURIComponent(String(execution))}`;
  if (trace) return `/trace/${encodeURIComponent(String(trace))}`;
  if (row.job_id) return `/jobs/${encodeURIComponent(String(row.job_id))}`;
  return query === 'findings' ? '/findings' : '/alerts';
}

function sentence(error: unknown): string {
  if (!(error instanceof z.ZodError)) return (error as Error).message;
  return error.issues.map(({ path, message }) => `${path.join('.') || 'parameters'}: ${message}`).join('; ');
}
