// Questions a person asks most, with the way to their answer.
import type { GetPromptResult, Prompt } from '@modelcontextprotocol/server';
import { visible } from './untrusted.ts';

interface Question extends Prompt {
  ask: (given: Record<string, string>) => string;
}

const PROMPTS: readonly Question[] = [
  {
    name: 'why_did_execution_fail',
    title: 'Why did execution N fail?',
    description: 'Root cause of one execution, with evidence, and whether it was the only one.',
    arguments: [{ name: 'execution_id', description: 'Execution id.', required: true }],
    ask: ({ execution_id }) =>
      `Why did execution ${execution_id} fail?

1. Call diagnose_execution with execution_id ${execution_id}.
2. If the first cause is of type TIMEOUT in any form, call find_timeout_root_cause. If it is UNKNOWN or below 0.7, call compare_with_successful and get_trace, and look at the spans they name with get_span.
3. If it is UNTRACED, call coverage and doctor: the question is then why there is no trace.
4. Call find_similar or blast_radius to see whether others were hit.

Answer with: the cause in one sentence, the evidence with numbers and span ids, what speaks against it, what to do, and who else was hit. Say so where the evidence does not decide it; do not guess a cause that no tool named.`,
  },
  {
    name: 'why_is_there_no_trace',
    title: 'Why is there no trace?',
    description: 'Which hop between the code and the table loses the spans of an execution, a service or a job.',
    arguments: [
      { name: 'execution_id', description: 'Execution that has no trace, where one is known.' },
      { name: 'service', description: 'Service that should have left spans.' },
      { name: 'job_id', description: 'Job whose executions have no trace.' },
    ],
    ask: ({ execution_id, service, job_id }) =>
      `Why is there no trace of ${
        [execution_id && `execution ${execution_id}`, service && `service ${service}`, job_id && `job ${job_id}`]
          .filter(Boolean)
          .join(', ') || 'what was run'
      }?

1. Call coverage${job_id ? ` with job_id ${job_id}` : ''}: is it one execution, a job, or all of them?
2. Call tracing_health and doctor: which hop fails first (flag, tracer, connection, write, partition, clock)?${
        execution_id
          ? `\n3. Call identify_root_cause with execution_id ${execution_id}: UNTRACED says what the tracers report.`
          : ''
      }

Answer with the hop that fails, the evidence, and the exact setting or command that fixes it. A trace may also be there under another id or time: try search_traces with a wide range before you say there is none.`,
  },
  {
    name: 'what_changed',
    title: 'What changed between two traces or two windows?',
    description:
      'The difference between two traces or executions, or between a time when it was good and one when it was bad.',
    arguments: [
      {
        name: 'good',
        description: 'Trace id or execution id that was good, or the start of the good time (2h, or ISO 8601).',
        required: true,
      },
      { name: 'bad', description: 'The same for the bad one.', required: true },
    ],
    ask: ({ good, bad }) =>
      `What changed between ${good} (good) and ${bad} (bad)?

If these are trace ids: call compare_traces with a and b. If they are execution ids: with execution_a and execution_b. If they are times: call list_operations or list_services for each window (from, to), then what_is_different with the bad window selected, and list_findings for it.

Answer with the first thing in order of time that differs and could explain the rest, its size in milliseconds or counts, and what did not change.`,
  },
];

export const PROMPT_LIST: Prompt[] = PROMPTS.map(({ ask, ...prompt }) => prompt);

/** Undefined where there is no such prompt. @throws Error naming the argument that is missing. */
export function promptOf(name: string, given: Record<string, string>): GetPromptResult | undefined {
  const prompt = PROMPTS.find((each) => each.name === name);
  if (!prompt) return undefined;
  const missing = prompt.arguments?.find((argument) => argument.required && !given[argument.name]);
  if (missing) throw new Error(`The prompt ${name} needs the argument ${missing.name}.`);
  const plain = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, visible(value).slice(0, 200)]));
  return {
    description: prompt.description,
    messages: [{ role: 'user', content: { type: 'text', text: prompt.ask(plain) } }],
  };
}
