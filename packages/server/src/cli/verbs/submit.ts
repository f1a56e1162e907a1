// `beacon submit`: a job of the questions of a file, with what they should be answered with.
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { atLine, submit, submitJob } from '../../queries/actions.ts';
import { jobValidity } from '../../queries/answers.ts';
import { parseQuestions } from '../../queries/question-file.ts';
import { runQuery } from '../../queries/run.ts';
import { askRunner } from '../../queries/runner.ts';
import { BeaconError } from '../../store/errors.ts';
import type { Row } from '../../store/values.ts';
import { count } from '../render/format.ts';
import { RENDERERS } from '../render/registry.ts';
import { type Context, printJson, verb, withReader } from '../verb.ts';

const POLL_MS = 500;

export function submitVerb(): Command {
  return verb(submitJob.name, submitJob.doc)
    .aliases(submitJob.aliases)
    .requiredOption('--models <models>', 'models, separated by commas')
    .requiredOption('--regions <regions>', 'regions, separated by commas')
    .requiredOption(
      '--questions <file>',
      'a file (.jsonl, .csv) of questions, with id, expected, scorer (exact, contains, regex, json), field and score where known; or one question',
    )
    .option('--idempotency-key <key>', 'sending the same key again returns the same job instead of another')
    .option('--wait', 'waits until every execution has ended; exit code 1 when one failed')
    .action(withReader(submitted));
}

async function submitted({ pool, options, terminal, print }: Context): Promise<number> {
  const given = options.questions as string;
  const key = options.idempotencyKey as string | undefined;
  const row = isFile(given)
    ? await sendFile(given, options.models as string, options.regions as string, key)
    : (
        await runQuery(pool, submitJob, {
          ...{ models: options.models, regions: options.regions, questions: given },
          ...(key !== undefined && { idempotency_key: key }),
        })
      ).rows[0];
  const job = row as Row;
  if (!options.wait) {
    if (options.json) printJson({ rows: [job], truncated: null });
    else for (const line of RENDERERS[submitJob.name]?.lines([job], terminal) ?? []) print(line);
    return 0;
  }
  const ended = await wait(String(job.job_id));
  if (options.json) printJson({ rows: [{ ...job, ...ended }], truncated: null });
  else {
    print(`Job ${job.job_id}: ${ended.completed} of ${ended.total} completed, ${ended.failed} failed.`);
    const { rows } = await runQuery(pool, jobValidity, { job_id: job.job_id });
    for (const line of foundIn(rows)) print(`  ${line}`);
    print(
      `\`beacon answers ${job.job_id}\` compares the answers, \`beacon job-validity ${job.job_id}\` says what they rest on.`,
    );
  }
  return ended.completed === ended.total ? 0 : 1;
}

/** What is wrong with the answers, a sentence for each model and region: it is not to be looked for. */
function foundIn(rows: Row[]): string[] {
  return rows.flatMap((row) => {
    const of = `${row.model_id} in ${row.region}`;
    const bad = ['infrastructure', 'refused', 'truncated', 'empty', 'flaky'].filter((kind) => Number(row[kind]) > 0);
    const kinds = bad.map(
      (kind) => `${row[kind]} ${kind}${kind === 'infrastructure' && row.why ? ` (${row.why})` : ''}`,
    );
    const regions = (row.served_regions as string[]).join(', ');
    return [
      ...(kinds.length > 0 ? [`${of}: ${kinds.join(', ')}, of ${row.cells}; compared are answers only.`] : []),
      ...(Number(row.served_elsewhere) > 0
        ? [`${of}: ${row.served_elsewhere} of ${row.cells} were served by ${regions}.`]
        : []),
      ...(Number(row.drifted) > 0
        ? [`${of}: ${row.drifted} of ${row.cells} came from ${(row.response_models as string[]).join(', ')}.`]
        : []),
    ];
  });
}

/** One that looks like a file and is none is a mistake, not a question. */
function isFile(given: string): boolean {
  if (fs.existsSync(given)) return true;
  if (!/^\S+\.(?:jsonl|ndjson|json|csv|txt)$/i.test(given)) return false;
  throw new BeaconError('not_found', `There is no file ${given}.`, 'Name a file of questions, or ask one question.');
}

async function sendFile(file: string, models: string, regions: string, key: string | undefined): Promise<Row> {
  const { questions, lines } = parseQuestions(fs.readFileSync(file, 'utf8'), file);
  const expected = questions.filter((question) => question.expected !== undefined).length;
  const list = (text: string) => text.split(',').map((part) => part.trim());
  const job = { models: list(models), regions: list(regions), questions };
  const progress = progressOn(
    `${file}: ${count(questions.length, 'question')}, ${expected} with an expected answer; sent`,
  );
  try {
    return await submit(job, { key, signal: new AbortController().signal, sent: progress.at });
  } catch (error) {
    throw atLine(error, file, lines);
  } finally {
    progress.end();
  }
}

interface Ended {
  total: number;
  completed: number;
  failed: number;
}

async function wait(job: string): Promise<Ended> {
  const progress = progressOn(`Job ${job}: ended`);
  const { signal } = new AbortController();
  for (;;) {
    const { body } = await askRunner(`/api/v1/jobs/${encodeURIComponent(job)}`, { signal });
    const { total, pending, processing, completed } = body.executions as Record<string, number> & Ended;
    progress.at(total - (pending ?? 0) - (processing ?? 0), total);
    if (!pending && !processing) {
      progress.end();
      return { total, completed, failed: total - completed };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** On stderr: one line that changes on a terminal, elsewhere one for every quarter. */
function progressOn(what: string) {
  const { stderr } = process;
  let quarter = -1;
  return {
    at(done: number, of: number) {
      const percent = of === 0 ? 100 : Math.floor((100 * done) / of);
      if (stderr.isTTY) stderr.write(`\r${what} ${percent} %`);
      else if (Math.floor(percent / 25) > quarter) stderr.write(`${what} ${percent} %\n`);
      quarter = Math.max(quarter, Math.floor(percent / 25));
    },
    end() {
      if (stderr.isTTY && quarter >= 0) stderr.write('\n');
    },
  };
}
