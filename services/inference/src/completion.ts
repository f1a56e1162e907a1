// A completion in OpenAI's shape: whole, or as server-sent events of one chunk a token.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { type Answer, chunksOf } from './model.ts';

export interface Completion {
  model: string;
  answer: Answer;
  usage: { input: number; output: number };
  fingerprint: string;
}

export function chatCompletion({ model, answer, usage, fingerprint }: Completion) {
  return {
    ...head('chat.completion', model, fingerprint),
    choices: [{ index: 0, message: { role: 'assistant', content: answer.text }, finish_reason: answer.finishReason }],
    usage: usageOf(usage),
  };
}

/**
 * Writes the completion as a stream, its chunks spread over the time that generation takes.
 *
 * @param headers of the answer, besides its type.
 */
export async function streamCompletion(
  reply: FastifyReply,
  { model, answer, usage, fingerprint }: Completion,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const start = head('chat.completion.chunk', model, fingerprint);
  const send = (part: object) => reply.raw.write(`data: ${JSON.stringify({ ...start, ...part })}\n\n`);
  const pieces = chunksOf(answer.text);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', ...headers });
  try {
    for (const [i, content] of pieces.entries()) {
      await delay(answer.generationMs / pieces.length, undefined, { signal });
      send({ choices: [{ index: 0, delta: { ...(i === 0 && { role: 'assistant' }), content }, finish_reason: null }] });
    }
    send({ choices: [{ index: 0, delta: {}, finish_reason: answer.finishReason }] });
    send({ choices: [], usage: usageOf(usage) });
    reply.raw.end('data: [DONE]\n\n');
  } catch (error) {
    // The headers are out: a stream that ends without its last event is how the caller learns of it.
    reply.raw.destroy();
    throw error;
  }
}

function head(object: string, model: string, fingerprint: string) {
  return {
    id: `chatcmpl-${randomUUID()}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    simulated: true,
    system_fingerprint: fingerprint,
  };
}

function usageOf({ input, output }: { input: number; output: number }) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
