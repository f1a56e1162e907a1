// The ten checks in their order, the decision, and what is kept of it.
//
// For callers other than the command line: `preflight(situation)` runs them, `lastPreflight(pool)` gives the report that
// was stored last, `markdown` makes a page of either. None prints.
import { randomUUID } from 'node:crypto';
import * as os from 'node:os';
import type pg from 'pg';
import { explainDatabaseError } from '../store/errors.ts';
import type { CheckResult, Situation } from './check.ts';
import {
  type Baseline,
  baselineCheck,
  databaseHealth,
  measureBaseline,
  monitoring,
  rollback,
  writePerformance,
} from './database-checks.ts';
import { codeReadiness, featureFlag, logging, people, staging } from './other-checks.ts';
import { measureWriterPath, type WriterPath } from './writer-path.ts';

export interface Preflight {
  id: string;
  takenAt: string;
  takenBy: string;
  decision: 'GO' | 'NO-GO' | 'UNKNOWN';
  /** Things a person still has to answer. */
  open: number;
  checks: CheckResult[];
  baseline: Baseline | null;
  /** Whether this report is in the database, for `--compare`. */
  stored: boolean;
}

/** A check that begins, or one that is done. */
export type Progress = (check: CheckResult | Pick<CheckResult, 'number' | 'name'>) => void;

/** Exit code of `beacon preflight`. */
export const EXIT = { GO: 0, 'NO-GO': 1, UNKNOWN: 2 } as const;

/**
 * Runs the checks one after the other and stores decision, numbers and baseline.
 *
 * @param progress Told of each check when it begins (`state` undefined) and when it is done.
 */
export async function preflight(situation: Situation, progress: Progress = () => {}): Promise<Preflight> {
  let baseline: Baseline | null = null;
  // Measured once for two checks.
  let path: Promise<WriterPath> | undefined;
  const writerPath = () => {
    path ??= measureWriterPath(situation.pool, situation.url);
    return path;
  };
  const CHECKS: [string, () => Promise<Omit<CheckResult, 'number' | 'name'>>][] = [
    ['database', () => databaseHealth(situation)],
    [
      'baseline',
      async () => {
        baseline = await measureBaseline(situation);
        return baselineCheck(baseline);
      },
    ],
    ['logging', () => logging(situation)],
    ['writing', async () => writePerformance(situation, await writerPath())],
    ['flag', () => featureFlag(situation)],
    ['staging', () => staging(situation)],
    ['rollback', async () => rollback(situation, await writerPath())],
    ['monitoring', () => monitoring(situation)],
    ['people', () => people(situation)],
    ['code', () => codeReadiness(situation)],
  ];
  const checks: CheckResult[] = [];
  for (const [i, [name, check]] of CHECKS.entries()) {
    progress({ number: i + 1, name });
    const body = await check().catch((error) => {
      const { code, message } = explainDatabaseError(error, situation.url);
      // Without a database there is nothing to switch tracing on for.
      const state = code === 'database_unreachable' ? ('no-go' as const) : ('unknown' as const);
      return { state, numbers: '', reason: message };
    });
    const result = { number: i + 1, name, ...body };
    checks.push(result);
    progress(result);
  }
  const has = (state: string) => checks.some((check) => check.state === state);
  const done: Preflight = {
    id: randomUUID(),
    takenAt: new Date().toISOString(),
    takenBy: situation.env.USER || os.userInfo().username,
    decision: has('no-go') ? 'NO-GO' : has('unknown') ? 'UNKNOWN' : 'GO',
    open: checks.filter(({ state }) => state === 'open').length,
    checks,
    baseline,
    stored: false,
  };
  const probes = situation.services.flatMap(({ probe }) => probe?.traceId ?? []);
  await situation.pool.query('select beacon.doctor_forget_earlier($1::uuid[])', [probes]).catch(() => {});
  // What cannot be stored is still told.
  done.stored = await situation.pool
    .query(
      'insert into beacon.preflights (preflight_id, taken_by, decision, baseline, checks) values ($1, $2, $3, $4, $5)',
      [done.id, done.takenBy, done.decision, JSON.stringify(baseline ?? {}), JSON.stringify(checks)],
    )
    .then(
      () => true,
      () => false,
    );
  return done;
}

/** The report that was stored last; undefined when there is none. */
export async function lastPreflight(pool: pg.Pool): Promise<Preflight | undefined> {
  const { rows } = await pool.query('select * from beacon.preflights order by taken_at desc limit 1');
  const [last] = rows;
  if (!last) return undefined;
  const checks = last.checks as CheckResult[];
  return {
    id: last.preflight_id,
    takenAt: last.taken_at.toISOString(),
    takenBy: last.taken_by,
    decision: last.decision,
    open: checks.filter(({ state }) => state === 'open').length,
    checks,
    baseline: 'timed' in last.baseline ? last.baseline : null,
    stored: true,
  };
}

/** The same as Markdown, for the person who decides. */
export function markdown({ takenAt, takenBy, decision, open, checks }: Preflight): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = checks.map(
    (c) => `| ${c.number} | ${c.name} | ${c.state.toUpperCase()} | ${cell(c.numbers)} | ${cell(c.reason)} |`,
  );
  return [
    `# Preflight: ${decision}`,
    '',
    `${takenAt}, by ${takenBy}. ${open} open.`,
    '',
    '| | check | state | measured | why |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
