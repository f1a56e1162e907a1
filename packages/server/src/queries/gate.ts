// May a new job replace an old one? The limits, held against the comparison of the two.
import type pg from 'pg';
import { z } from 'zod';
import { BeaconError } from '../store/errors.ts';
import type { Row } from '../store/values.ts';
import * as c from './columns.ts';
import { jobComparison } from './compare-jobs.ts';
import { defineQuery } from './query.ts';
import { runQuery } from './run.ts';

export interface Check {
  name: string;
  limit: string;
  measured: string;
  ok: boolean;
}

export interface Limits {
  max_regressions: string;
  max_p95?: string | undefined;
  max_cost?: string | undefined;
  min_score?: string | undefined;
}

const limit = {
  max_regressions: z
    .string()
    .default('0')
    .describe('Newly failing or missing cells and worse scores allowed (default 0).'),
  max_p95: z.string().optional().describe('95th percentile of latency: a change like +10%, or milliseconds.'),
  max_cost: z.string().optional().describe('Cost of the cells both answered: a change like +5%, or an amount.'),
  min_score: z.string().optional().describe('Mean score at least.'),
};

const POLL_MS = 500;

export const gate = defineQuery({
  name: 'gate',
  doc: 'Judges a job against an earlier one: each limit, what was measured, and whether it is kept.',
  params: {
    job_id: z.string().min(1).describe('Job that is judged: the new one.'),
    against: z.string().min(1).describe('Job to compare with: the old one.'),
    ...limit,
  },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: z.object({
    name: c.text('What is limited.'),
    limit: c.text('The limit.'),
    measured: c.text('What was measured.'),
    ok: c.flag('Whether the limit is kept; what is not known keeps none.'),
  }),
  limit: { default: 20, max: 20 },
  run: async ({ pool, params: { job_id, against, ...limits } }) => {
    const { checks } = await judged(pool, job_id, against, limits);
    return { rows: checks.map((check) => ({ ...check })), truncated: null };
  },
});

/**
 * The checks, and the comparison they rest on.
 *
 * @param patienceMs How long answers that have no score yet are waited for: maintenance scores them within seconds.
 * @throws BeaconError `usage` for a limit that is none, `not_found` for a job that has no cells.
 */
export async function judged(pool: pg.Pool, job: string, against: string, given: Limits, patienceMs = 0) {
  const limits = {
    regressions: wholeNumber('max_regressions', given.max_regressions),
    p95: given.max_p95 === undefined ? undefined : bound('max_p95', given.max_p95),
    cost: given.max_cost === undefined ? undefined : bound('max_cost', given.max_cost),
    score: given.min_score === undefined ? undefined : decimal('min_score', given.min_score),
  };
  const unscored = await scoresDue(pool, [job, against], patienceMs);
  const { rows } = await runQuery(pool, jobComparison, { job_a: against, job_b: job });
  const total = rows[0] as Row;
  for (const [name, cells, missing] of [
    [job, Number(total.cells) - Number(total.missing), total.missing],
    [against, Number(total.cells) - Number(total.added), total.added],
  ]) {
    if (cells === 0 && Number(missing) > 0)
      throw new BeaconError('not_found', `There is no job ${name}.`, '`beacon jobs --from 30d` lists jobs.');
  }
  return { checks: [...checksOf(total, limits), ...(unscored > 0 ? [scored(unscored)] : [])], total };
}

/**
 * How many answers of jobs with expected ones are not scored yet. Judged without them, a wrong answer would be one that changed.
 *
 * @param patienceMs How long it is waited for them to be none.
 */
export async function scoresDue(pool: pg.Pool, jobs: string[], patienceMs: number): Promise<number> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const { rows } = await pool.query<{ due: number }>(
      'select count(*)::integer as due from unnest($1::text[]) j (job), beacon.scores_due(j.job)',
      [jobs],
    );
    const due = rows[0]?.due ?? 0;
    if (due === 0 || Date.now() >= until) return due;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function scored(unscored: number): Check {
  return { name: 'scored', limit: 'every answer with an expected one', measured: `${unscored} not yet`, ok: false };
}

type Bound = { change: number } | { amount: number };

function checksOf(
  total: Row,
  limits: { regressions: number; p95: Bound | undefined; cost: Bound | undefined; score: number | undefined },
): Check[] {
  const regressions = Number(total.regressions);
  const checks: Check[] = [
    {
      name: 'finished',
      limit: 'every cell',
      measured: Number(total.unfinished) === 0 ? 'yes' : `${total.unfinished} pending or cancelled`,
      ok: Number(total.unfinished) === 0,
    },
    {
      name: 'regressions',
      limit: `at most ${limits.regressions}`,
      measured: `${regressions}: ${total.newly_failing} newly failing, ${total.missing} missing, ${total.score_worse} score worse`,
      ok: regressions <= limits.regressions,
    },
  ];
  if (limits.p95)
    checks.push(bounded('p95 latency', total.p95_a, total.p95_b, limits.p95, ' ms', 'no cell was answered in both'));
  if (limits.cost)
    checks.push(
      bounded('cost', total.cost_a, total.cost_b, limits.cost, '', `${total.unpriced} cells have no known price`),
    );
  if (limits.score !== undefined) {
    const score = total.score_b as number | null;
    checks.push({
      name: `mean score${total.score ? ` (${total.score})` : ''}`,
      limit: `at least ${limits.score}`,
      measured: score === null ? 'unknown: no cell has a score in both' : `${three(score)} over ${total.scored} cells`,
      ok: score !== null && score >= limits.score,
    });
  }
  return checks;
}

/** What is not known passes no limit. */
function bounded(name: string, before: unknown, now: unknown, limit: Bound, unit: string, unknown: string): Check {
  const shown = 'change' in limit ? `at most ${percent(limit.change)}` : `at most ${limit.amount}${unit}`;
  if (before === null || now === null) return { name, limit: shown, measured: `unknown: ${unknown}`, ok: false };
  const [a, b] = [Number(before), Number(now)];
  const change = a === 0 ? (b === 0 ? 0 : Number.POSITIVE_INFINITY) : (b - a) / a;
  const ok = 'change' in limit ? change <= limit.change + 1e-12 : b <= limit.amount;
  return { name, limit: shown, measured: `${three(a)}${unit} to ${three(b)}${unit} (${percent(change)})`, ok };
}

const three = (value: number) => String(Number(value.toPrecision(3)));
const percent = (change: number) => `${change < 0 ? '−' : '+'}${three(Math.abs(change * 100))} %`;

/** `+10%`, `-5 %`, or an amount. */
function bound(name: string, given: string): Bound {
  const relative = /^([+-]?\d+(?:\.\d+)?)\s*%$/.exec(given);
  if (relative) return { change: Number(relative[1]) / 100 };
  return { amount: decimal(name, given, 'a change like +10%, or a number') };
}

function decimal(name: string, given: string, what = 'a number'): number {
  if (!/^-?\d+(?:\.\d+)?$/.test(given))
    throw new BeaconError('usage', `${name} must be ${what} (got "${given}").`, 'A change like +10%, or a number.');
  return Number(given);
}

function wholeNumber(name: string, given: string): number {
  if (!/^\d{1,9}$/.test(given))
    throw new BeaconError(
      'usage',
      `${name} must be a whole number (got "${given}").`,
      'A change like +10%, or a number.',
    );
  return Number(given);
}
