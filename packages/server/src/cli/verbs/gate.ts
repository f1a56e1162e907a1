// `beacon gate`: may the new job replace the old one? An exit code for scripts, a table for people, JUnit and Markdown for others.
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { compareJobs } from '../../queries/compare-jobs.ts';
import { gate, judged } from '../../queries/gate.ts';
import { runQuery } from '../../queries/run.ts';
import { junit, markdown, text } from '../render/gate.ts';
import { type Context, printJson, verb, withReader } from '../verb.ts';

const MAX_CELLS = 1000;
/** Maintenance scores answers every few seconds: a gate right after its job waits for that. */
const SCORED_WITHIN_MS = 15_000;
const PROBLEMS = new Set(['newly failing', 'missing', 'score worse', 'pending', 'cancelled']);

export function gateVerb(): Command {
  return verb(gate.name, 'Judges a job against an earlier one: exit code 0 when it passes, 1 when it does not.')
    .argument('<job>')
    .requiredOption('--against <job>', 'job to compare with')
    .option('--max-regressions <n>', 'newly failing or missing cells and worse scores allowed', '0')
    .option('--max-p95 <change>', '95th percentile of latency: +10%, or milliseconds')
    .option('--max-cost <change>', 'cost of the cells both answered: +5%, or an amount')
    .option('--min-score <score>', 'mean score at least')
    .option('--junit <file>', 'writes the result as JUnit XML')
    .option('--markdown <file>', 'writes the result as Markdown')
    .action(withReader(gateJob));
}

async function gateJob({ pool, options, terminal, print }: Context, job: string): Promise<number> {
  const against = options.against as string;
  const limits = {
    max_regressions: options.maxRegressions as string,
    max_p95: options.maxP95 as string | undefined,
    max_cost: options.maxCost as string | undefined,
    min_score: options.minScore as string | undefined,
  };
  const { checks, total } = await judged(pool, job, against, limits, SCORED_WITHIN_MS);
  const changed = await runQuery(pool, compareJobs, { job_a: against, job_b: job, limit: String(MAX_CELLS) });
  const cells = changed.rows.filter(({ change }) => PROBLEMS.has(String(change)));
  const passed = checks.every(({ ok }) => ok);
  const result = { job, against, passed, checks, total, cells, truncated: changed.truncated };
  if (options.junit) fs.writeFileSync(options.junit as string, junit(result));
  if (options.markdown) fs.writeFileSync(options.markdown as string, markdown(result));
  if (options.json) printJson(result);
  else for (const line of text(result, terminal)) print(line);
  return passed ? 0 : 1;
}
