// What a provider's HTTP answer means.
import { z } from 'zod';
import { RouterError } from './errors.ts';

const completion = z.looseObject({
  model: z.string().optional(),
  simulated: z.boolean().optional(),
  choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string().nullish() }) })).min(1),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).optional(),
});

export interface Answer {
  answer: string;
  /** True where the provider says that no real model ran. */
  simulated: boolean;
  usage: { inputTokens: number | null; outputTokens: number | null };
}

/**
 * @throws RouterError `malformed_response` or `empty_output`, both 502: an answer that cannot be used is a failure.
 */
export function readAnswer(provider: string, text: string): Answer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const message = `${provider}: the body is not valid JSON (${text.length} characters).`;
    throw new RouterError(502, 'malformed_response', message, { cause });
  }
  const read = completion.safeParse(json);
  if (!read.success) {
    const issue = read.error.issues[0];
    const message = `${provider}: the body is not a chat completion (${issue?.path.join('.')}: ${issue?.message}).`;
    throw new RouterError(502, 'malformed_response', message);
  }
  const { choices, simulated, usage } = read.data;
  const answer = choices[0]?.message.content ?? '';
  if (answer.trim() === '') {
    throw new RouterError(502, 'empty_output', `${provider}: answered 200 with empty output.`);
  }
  return {
    answer,
    simulated: simulated === true,
    usage: { inputTokens: usage?.prompt_tokens ?? null, outputTokens: usage?.completion_tokens ?? null },
  };
}

const CODE_BY_STATUS: Record<number, string> = {
  401: 'invalid_api_key',
  403: 'invalid_api_key',
  404: 'model_not_found',
  408: 'timeout',
  429: 'rate_limit_exceeded',
  504: 'timeout',
};

/**
 * The error a status other than 200 stands for. Providers differ in their codes (vLLM sends numbers, Ollama null), so the
 * status decides; running out of memory is distinguished from other failures by its message.
 *
 * @param secret never repeated, should the provider have quoted it.
 */
export function readRefusal(
  provider: string,
  response: Response,
  text: string,
  secret: string | undefined,
): RouterError {
  const { status } = response;
  const said = errorOf(text);
  const outOfMemory = status >= 500 && (said.code === 'out_of_memory' || /out of (?:\w+ )?memory/i.test(said.message));
  const code = outOfMemory
    ? 'out_of_memory'
    : (CODE_BY_STATUS[status] ?? (status >= 500 ? 'internal_error' : 'invalid_request'));
  const message = `${provider}: answered ${status}${said.message && `: ${redact(said.message, secret)}`}`;
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new RouterError(status >= 400 ? status : 502, code, message, {
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  });
}

function errorOf(text: string): { message: string; code: unknown } {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; code?: unknown } | string };
    if (typeof error === 'string') return { message: error, code: null };
    return { message: typeof error?.message === 'string' ? error.message : '', code: error?.code };
  } catch {
    return { message: '', code: null };
  }
}

/** Some providers quote the key they refuse, in full or in part. */
function redact(message: string, secret: string | undefined): string {
  const clean = secret ? message.replaceAll(secret, '[key]') : message;
  return clean.replace(/\b(?:sk|key|hf|gsk)[-_][\w*-]{4,}/gi, '[key]').slice(0, 300);
}
