// The runner's HTTP API, for what people do from where they look.
import { z } from 'zod';
import { BeaconError } from '../store/errors.ts';
import * as c from './columns.ts';
import { executionId, jobId } from './params.ts';
import { defineQuery } from './query.ts';

const WITHIN_MS = 10_000;
const NO_RUNNER = 'This server knows no runner: RUNNER_URL is not set.';

interface Asked {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: object;
  signal: AbortSignal;
  /** Milliseconds until it is taken not to answer. Default 10,000. */
  withinMs?: number;
  /** Called with the bytes of the body sent so far, and of how many. */
  sent?: (bytes: number, of: number) => void;
}

interface Answered {
  headers: Headers;
  body: Record<string, unknown>;
}

/**
 * Asks the runner that RUNNER_URL names.
 *
 * @throws BeaconError `usage` with the runner's own words where it refuses, `not_found` for a 404, `unavailable` otherwise.
 */
export async function askRunner(path: string, asked: Asked): Promise<Answered> {
  const { method = 'GET', headers, body, signal, withinMs = WITHIN_MS, sent } = asked;
  const runner = process.env.RUNNER_URL;
  if (!runner) {
    throw new BeaconError(
      'unavailable',
      NO_RUNNER,
      '`npm start` sets it; elsewhere set RUNNER_URL=http://host:8090 for `beacon serve`.',
    );
  }
  const url = new URL(path, runner);
  const response = await fetch(url, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && (sent ? streamed(body, sent) : { body: JSON.stringify(body) })),
    signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
  }).catch((cause: Error) => {
    signal.throwIfAborted();
    const hint = 'Is it running? `beacon status` says.';
    throw new BeaconError('unavailable', `The runner at ${url.origin} does not answer.`, hint, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const said = (answer.error as { message?: string } | undefined)?.message;
  if (response.status === 404) {
    throw new BeaconError('not_found', said ?? 'The runner does not know it.', '`beacon jobs` lists jobs.');
  }
  if (response.status >= 400 && response.status < 500) {
    throw new BeaconError(
      'usage',
      said ?? `The runner refused it (${response.status}).`,
      'Change the request and send it again.',
    );
  }
  if (!response.ok) {
    throw new BeaconError(
      'unavailable',
      `The runner at ${url.origin} answered ${response.status}.`,
      'Its log says more.',
    );
  }
  return { headers: response.headers, body: answer };
}

const PIECE = 1 << 16;

/** A body sent in pieces, each when the one before it was taken. */
function streamed(body: object, sent: (bytes: number, of: number) => void) {
  const bytes = Buffer.from(JSON.stringify(body));
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = bytes.subarray(at, at + PIECE);
      at += piece.length;
      if (piece.length === 0) return controller.close();
      controller.enqueue(new Uint8Array(piece));
      sent(at, bytes.length);
    },
  });
  return { body: stream, duplex: 'half' as const };
}

export const rerun = defineQuery({
  name: 'rerun',
  doc: 'Tries cells of a job again: those the infrastructure failed, all that have no answer, or flaky ones.',
  params: {
    job_id: jobId,
    only: z
      .enum(['infrastructure', 'failed', 'flaky'])
      .describe('infrastructure, failed (those and empty answers), or flaky (attempts gave different answers).'),
    region: z.string().min(1).optional().describe('Only cells of this region.'),
  },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: z.object({
    execution_id: c.text('Execution that will be tried again.'),
  }),
  limit: { default: 1000, max: 100_000 },
  mutates: true,
  run: async ({ params: { job_id, only, region }, signal, limit }) => {
    const path = `/api/v1/jobs/${encodeURIComponent(job_id)}/rerun`;
    const { body } = await askRunner(path, { method: 'POST', body: { only, ...(region && { region }) }, signal });
    const all = (body.executions as number[]).map((id) => ({ execution_id: String(id) }));
    const truncated = all.length > limit ? `All ${all.length} run again; the first ${limit} are listed.` : null;
    return { rows: all.slice(0, limit), truncated };
  },
});

export const receipts = defineQuery({
  name: 'receipts',
  doc: 'The signed receipts of an execution, an attempt each, and whether they hold.',
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text) => ({ execution_id: text }) }],
  row: z.object({
    attempt: c.count('Attempt.'),
    valid: c.flag('Whether the signature and what it is about hold.'),
    problems: c.texts('What does not hold.'),
    receipt: c.json('The receipt.'),
  }),
  limit: { default: 50, max: 500 },
  run: async ({ params: { execution_id }, signal, limit }) => {
    // The page asks for every execution: a system without our runner is no failure there.
    if (!process.env.RUNNER_URL) return { rows: [], truncated: NO_RUNNER };
    const { body } = await askRunner(`/api/v1/executions/${encodeURIComponent(execution_id)}/receipts`, { signal });
    const all = body.receipts as Record<string, unknown>[];
    const truncated = all.length > limit ? `Showing the first ${limit} of ${all.length} receipts: raise limit.` : null;
    return { rows: all.slice(0, limit), truncated };
  },
});
