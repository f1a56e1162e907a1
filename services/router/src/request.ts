import { z } from 'zod';
import { RouterError } from './errors.ts';
import type { Message } from './provider.ts';

const schema = z
  .strictObject({
    model: z.string().min(1).max(200),
    region: z.string().min(1).max(100),
    question: z.string().min(1).max(100_000).optional(),
    messages: z
      .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
      .min(1)
      .optional(),
  })
  .refine(({ question, messages }) => (question === undefined) !== (messages === undefined), {
    path: ['question'],
    error: 'either question or messages, and not both',
  });

export interface InferenceRequest {
  model: string;
  region: string;
  messages: Message[];
}

/** @throws RouterError 400 that names the field. */
export function readRequest(body: unknown): InferenceRequest {
  const read = schema.safeParse(body ?? {});
  if (!read.success) {
    const issue = read.error.issues[0];
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const param = unknown ?? (issue?.path.join('.') || 'body');
    throw new RouterError(400, 'invalid_request', `${param}: ${issue?.message}`, { param });
  }
  const { model, region, question, messages } = read.data;
  return { model, region, messages: messages ?? [{ role: 'user', content: question ?? '' }] };
}
