// `beacon gate`: may the new job replace the old one? An exit code for scripts, a table for people, JUnit and Markdown for others.
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { compareJobs, jobComparison } from '../../queries/compare-jobs.ts';
import { runQuery } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import type { Row } from '../../store/values.ts';
import { type Check, junit, markdown, text } from '../render/gate.ts';
import { type Context, printJson, verb, withReader } from '../verb.ts';

const MAX_CELLS = 1000;
const PROBLEMS = new Set(['newly failing', 'missing', 'score worse', 'pending', 'cancelled']);

export function gateVerb(): Command {
  return verb('gate', 'Judges a job against an earlier one: exit code 0 when it passes, 1 when it does not.')
    .argument('<job>')
    .requiredOption('--against <job>', 'job to compare with')
    .option('--max-regressions <n>', 'newly failing or missing cells and worse scores allowed', '0')
    .option('--max-p95 <change>', '95th percentile of latency: +10%, or milliseconds')
    .option('--max-cost <change>', 'cost of the cells both answered: +5%, or an amount')
    .option('--min-score <score>', 'mean score at least')
    .option('--junit <file>', 'writes the result as JUnit XML')
    .option('--markdown <file>', 'writes the result as Markdown')
    .action(withReader(gate));
}

async function gate({ pool, options, terminal, print }: Context, job: string): Promise<number> {
  const against = options.against as string;
  const limits = {
    regressions: wholeNumber('--max-regressions', options.maxRegressions as string),
    p95: options.maxP95 === undefined ? undefined : bound('--max-p95', options.maxP95 as string),
    cost: options.maxCost === undefined ? undefined : bound('--max-cost', options.maxCost as string),
    score: options.minScore === undefined ? undefined : decimal('--min-score', options.minScore as string),
  };
  const asked = { job_a: against, job_b: job };
  const { rows } = await runQuery(pool, jobComparison, asked);
  const total = rows[0] as Row;
  for (const [name, added, missing] of [
    [job, Number(total.cells) - Number(total.missing), total.missing],
    [against, Number(total.cells) - Number(total.added), total.added],
  ]) {
    if (added === 0 && Number(missing) > 0)
      throw new BeaconError('not_found', `There is no job ${name}.`, '`beacon jobs --from 30d` lists jobs.');
  }
  const changed = await runQuery(pool, compareJobs, { ...asked, limit: String(MAX_CELLS) });
  const cells = changed.rows.filter(({ change }) => PROBLEMS.has(String(change)));
  const checks = checksOf(total, limits);
  const passed = checks.every(({ ok }) => ok);
  const result = { job, against, passed, checks, total, cells, truncated: changed.truncated };
  if (options.junit) fs.writeFileSync(options.junit as string, junit(result));
  if (options.markdown) fs.writeFileSync(options.markdown as string, markdown(result));
  if (options.json) printJson(result);
  else for (const line of text(result, terminal)) print(line);
  return passed ? 0 : 1;
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
function bound(flag: string, given: string): Bound {
  const relative = /^([+-]?\d+(?:\.\d+)?)\s*%$/.exec(given);
  if (relative) return { change: Number(relative[1]) / 100 };
  return { amount: decimal(flag, given, 'a change like +10%, or a number') };
}

function decimal(flag: string, given: string, what = 'a number'): number {
  if (!/^-?\d+(?:\.\d+)?$/.test(given))
    throw new BeaconError('usage', `${flag} must be ${what} (got "${given}").`, 'See --help.');
  return Number(given);
}

function wholeNumber(flag: string, given: string): number {
  if (!/^\d{1,9}$/.test(given))
    throw new BeaconError('usage', `${flag} must be a whole number (got "${given}").`, 'See --help.');
  return Number(given);
}
