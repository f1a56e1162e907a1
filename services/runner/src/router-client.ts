// The one call an execution makes: POST /inference of the hybrid router.
import { z } from 'zod';
import { AttemptError } from './errors.ts';

const answered = z.looseObject({
  answer: z.string(),
  provider: z.string(),
  simulated: z.boolean(),
  usage: z.looseObject({
    inputTokens: z.number().nullable(),
    outputTokens: z.number().nullable(),
    cachedTokens: z.number().nullish(),
    reasoningTokens: z.number().nullish(),
  }),
  responseModel: z.string().nullish(),
  finishReason: z.string().nullish(),
  servedRegion: z.string().nullish(),
  systemFingerprint: z.string().nullish(),
  quantisation: z.string().nullish(),
  firstChunkMs: z.number().nullish(),
  chunksPerS: z.number().nullish(),
});

const refused = z.looseObject({ error: z.looseObject({ message: z.string(), code: z.string() }) });

export interface Question {
  model: string;
  region: string;
  question: string;
}

/** What a completed execution stores as its output. */
export interface Output {
  answer: string;
  /** Provider that answered. */
  provider: string;
  /** True where no real model ran. */
  simulated: boolean;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_tokens: number | null;
  reasoning_tokens: number | null;
  /** Model that answered, as the provider names it. */
  response_model: string | null;
  /** Why it stopped, in the provider's word. */
  finish_reason: string | null;
  /** Region that answered, as the provider says. */
  served_region: string | null;
  system_fingerprint: string | null;
  quantisation: string | null;
  /** Milliseconds until the first chunk of a streamed answer. */
  first_chunk_ms: number | null;
  /** Chunks a second of a streamed answer, after the first. */
  chunks_per_s: number | null;
}

const TRANSIENT_STATUS = new Set([429, 502, 503, 504]);

/**
 * Asks the router.
 *
 * @param baseUrl empty where HYBRID_ROUTER_URL is not set.
 * @param signal aborted with the reason that becomes the error: a timeout, a cancellation, the end of the process.
 * @throws AttemptError
 */
export async function askRouter(baseUrl: string, asked: Question, signal: AbortSignal): Promise<Output> {
  if (baseUrl === '') {
    throw new AttemptError(
      'configuration_error',
      'HYBRID_ROUTER_URL is not set: the runner does not know where the hybrid router is',
      { missingSetting: 'HYBRID_ROUTER_URL' },
    );
  }
  const { model, region, question } = asked;
  const { status, retryAfter, json } = await post(`${baseUrl}/inference`, { model, region, question }, signal);
  if (status !== 200) throw refusal(status, retryAfter, json);
  const read = answered.safeParse(json);
  if (!read.success) throw new AttemptError('malformed_response', 'The router answered 200 with an unknown body.');
  const { answer, provider, simulated, usage, ...said } = read.data;
  return {
    answer,
    provider,
    simulated,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_tokens: usage.cachedTokens ?? null,
    reasoning_tokens: usage.reasoningTokens ?? null,
    response_model: said.responseModel ?? null,
    finish_reason: said.finishReason ?? null,
    served_region: said.servedRegion ?? null,
    system_fingerprint: said.systemFingerprint ?? null,
    quantisation: said.quantisation ?? null,
    first_chunk_ms: said.firstChunkMs ?? null,
    chunks_per_s: said.chunksPerS ?? null,
  };
}

async function post(url: string, body: object, signal: AbortSignal) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const text = await response.text();
    return { status: response.status, retryAfter: response.headers.get('retry-after'), json: parsed(text) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw networkError(error as Error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status: number, retryAfter: string | null, json: unknown): AttemptError {
  const read = refused.safeParse(json);
  const { code, message } = read.success
    ? read.data.error
    : { code: status >= 500 ? 'internal_error' : 'invalid_request', message: `The router answered ${status}.` };
  const seconds = Number(retryAfter ?? Number.NaN);
  return new AttemptError(code, message, {
    transient: TRANSIENT_STATUS.has(status),
    retryAfterMs: Number.isFinite(seconds) ? Math.min(seconds, 60) * 1000 : 0,
  });
}

/** fetch wraps what happened: the code is on the cause. */
function networkError(error: Error): AttemptError {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  const code = cause?.code ?? '';
  const more = { transient: true, cause: error };
  if (code === 'ECONNREFUSED')
    return new AttemptError('connection_refused', 'The router refused the connection.', more);
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new AttemptError('timeout', 'The router did not accept the connection in time.', more);
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') {
    return new AttemptError(
      'connection_reset',
      'The connection to the router broke before the answer was complete.',
      more,
    );
  }
  return new AttemptError(
    'connection_failed',
    `The router could not be called (${code || (cause?.message ?? error.message)}).`,
    more,
  );
}
