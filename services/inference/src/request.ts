import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ApiError } from './errors.ts';
import { MODELS, type SimulatedModel } from './model.ts';

const content = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.map((part) => part.text ?? '').join('\n')),
]);

// Loose, because clients send many options (temperature, seed, user ...) that a simulated model has no use for.
const chatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.string(), content })).min(1),
  stream: z.boolean().optional(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
});

export interface ChatRequest {
  model: string;
  /** Everything the model is given. */
  prompt: string;
  /** The last message of the user. */
  question: string;
  /** Whether the answer is wanted as server-sent events. */
  stream: boolean;
  /** Tokens the answer may have. */
  maxTokens: number | undefined;
}

/** @throws ApiError 400 that names the field. */
export function readChatRequest(body: unknown): ChatRequest {
  const read = chatRequest.safeParse(body ?? {});
  if (!read.success) {
    const issue = read.error.issues[0];
    const param = issue?.path.join('.') || 'body';
    throw new ApiError(400, 'invalid_request', `${param}: ${issue?.message}`, { param });
  }
  const { model, messages, stream = false, max_tokens, max_completion_tokens } = read.data;
  const question = messages.findLast((message) => message.role === 'user')?.content ?? '';
  const prompt = messages.map((message) => message.content).join('\n');
  return { model, question, prompt, stream, maxTokens: max_completion_tokens ?? max_tokens ?? undefined };
}

/** @throws ApiError 404. */
export function knownModel(id: string): SimulatedModel {
  const model = MODELS.find((known) => known.id === id);
  if (!model) throw unknownModel(id);
  return model;
}

export function unknownModel(id: string): ApiError {
  return new ApiError(404, 'model_not_found', `The model ${JSON.stringify(id.slice(0, 100))} does not exist here.`, {
    param: 'model',
  });
}

/** Whether a request carries one of the keys; every request does when there are none. */
export function keyCheck(keys: readonly string[]): (authorization: string | undefined) => void {
  // Compared as hashes, so that the time a comparison takes says nothing about a key.
  const known = new Set(keys.map(digest));
  return (authorization) => {
    if (known.size > 0 && !known.has(digest(authorization?.replace(/^Bearer /i, '') ?? ''))) throw wrongKey();
  };
}

export function wrongKey(): ApiError {
  return new ApiError(401, 'invalid_api_key', 'The API key is missing or wrong.');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
