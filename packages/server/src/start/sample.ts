// The sample: one job across regions, one of which is made to fail, watched until its last execution has ended.

import { duration, signOf } from '../cli/render/format.ts';
import { clean, cut } from '../cli/render/terminal.ts';
import { type Execution, RunnerClient } from './runner-client.ts';
import type { Screen } from './screen.ts';
import { FAILING_REGION, PROVIDER_TIMEOUT_MS, REGIONS } from './services.ts';

const JOB = {
  models: ['llama-3.2-1b', 'qwen2.5-1.5b'],
  regions: [...REGIONS],
  questions: ['What is 2+2?', 'Capital of Australia?'],
};
/** A base model of 270 million parameters: it answers, and not always rightly. */
const LOCAL_JOB = { ...JOB, models: ['gemma-3-270m'] };
/** Answers one question otherwise than the other regions, so that there is a difference to find. */
const DIFFERING_REGION = 'asia-southeast';
const DIFFERS = { fault: 'other_answer', about: 'Australia' };
/** Tells a trace more than a refusal does: who waited, for how long, and who never answered. */
const FAULT = 'hang';
const POLL_MS = 150;
const DEADLINE_MS = 120_000;

export interface Sample {
  jobId: string;
  executions: Execution[];
  /** From submission to the end of the last execution as seen from here, milliseconds. */
  tookMs: number;
}

/**
 * Runs the sample and shows its progress.
 *
 * @param urlOf Address of a service by its name.
 * @param isLocal Asks the local model instead of the simulated ones.
 * @throws Error when a service refuses, or the job has not ended within two minutes; `signal`'s reason when aborted.
 */
export async function runSample(
  urlOf: (name: string) => string,
  screen: Screen,
  signal: AbortSignal,
  isLocal = false,
): Promise<Sample> {
  screen.line(`\n${screen.terminal.paint('bold', 'Sample job')}`);
  await switchFault(urlOf('inference'), FAILING_REGION, { fault: FAULT }, signal);
  await switchFault(urlOf('inference'), DIFFERING_REGION, DIFFERS, signal);
  screen.note(
    `The provider in ${FAILING_REGION} is told to hang, on purpose: the router gives up after ` +
      `${PROVIDER_TIMEOUT_MS / 1000} s; ${DIFFERING_REGION} is set to answer one question differently.`,
  );
  try {
    return await follow(new RunnerClient(urlOf('runner'), signal), isLocal ? LOCAL_JOB : JOB, screen, signal);
  } finally {
    screen.endStatus();
    // Also when the wait was interrupted; the service may be gone by then, and the fault with it.
    const clearing = [FAILING_REGION, DIFFERING_REGION].map((region) =>
      switchFault(urlOf('inference'), region, undefined, AbortSignal.timeout(2_000)),
    );
    const cleared = await Promise.all(clearing).then(
      () => true,
      () => false,
    );
    if (cleared) screen.line(`  The provider in ${FAILING_REGION} answers again from now on.`);
  }
}

async function follow(runner: RunnerClient, job: typeof JOB, screen: Screen, signal: AbortSignal): Promise<Sample> {
  const started = Date.now();
  const { models, regions, questions } = job;
  const jobId = await runner.submit(job);
  screen.line(
    `  Job ${jobId}: ${models.length} models x ${regions.length} regions x ${questions.length} questions = ` +
      `${models.length * regions.length * questions.length} executions.`,
  );
  const told = new Set<string>();
  for (;;) {
    const executions = await runner.executions(jobId);
    for (const execution of executions.filter(({ id, ended }) => ended && !told.has(id))) {
      told.add(execution.id);
      screen.line(`  ${lineOf(execution, screen)}`);
    }
    if (executions.every(({ ended }) => ended)) {
      return { jobId, executions, tookMs: Date.now() - started };
    }
    if (Date.now() - started > DEADLINE_MS) {
      throw new Error(`Job ${jobId} has not ended within ${DEADLINE_MS / 1000} s; see the log of the runner.`);
    }
    screen.status(progress(executions));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
  }
}

function lineOf(execution: Execution, { terminal }: Screen): string {
  const { glyph, style } = signOf(execution.status);
  const what = [
    `#${execution.id}`.padEnd(5),
    execution.region.padEnd(15),
    execution.model.padEnd(13),
    execution.question.padEnd(13),
    duration(execution.duration_ms).padStart(8),
  ].join(' ');
  const result = cut(
    clean(execution.answer ?? execution.error_message),
    Math.max(20, terminal.width - what.length - 6),
  );
  return `${terminal.paint(style, glyph)} ${what}  ${execution.answer ? result : terminal.paint(style, result)}`;
}

function progress(executions: Execution[]): string {
  const count = (statuses: string[]) => executions.filter(({ status }) => statuses.includes(status)).length;
  const ended = executions.filter(({ ended }) => ended).length;
  return `${ended} of ${executions.length} executions ended, ${count(['processing'])} running, ${count(['failed'])} failed`;
}

async function switchFault(
  url: string,
  region: string,
  fault: { fault: string } | undefined,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`${url}/faults/${region}`, {
    method: fault ? 'PUT' : 'DELETE',
    ...(fault && { body: JSON.stringify(fault), headers: { 'content-type': 'application/json' } }),
    signal,
  });
  if (!response.ok) throw new Error(`inference refused to switch a fault: ${response.status} ${await response.text()}`);
}
