// A completion in OpenAI's shape: whole, or as server-sent events of one chunk a token.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
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
 * Sends the completion as a stream, its chunks spread over the time that generation takes; resolves when it has been written, or
 * when the caller has gone.
 */
export async function streamCompletion(
  reply: FastifyReply,
  completion: Completion,
  signal: AbortSignal,
): Promise<void> {
  const stream = Readable.from(events(completion, signal));
  const over = finished(stream).catch(() => {});
  reply.type('text/event-stream').header('cache-control', 'no-store').send(stream);
  await over;
}

async function* events({ model, answer, usage, fingerprint }: Completion, signal: AbortSignal): AsyncGenerator<string> {
  const start = head('chat.completion.chunk', model, fingerprint);
  const event = (part: object) => `data: ${JSON.stringify({ ...start, ...part })}\n\n`;
  const pieces = chunksOf(answer.text);
  for (const [i, content] of pieces.entries()) {
    await delay(answer.generationMs / pieces.length, undefined, { signal });
    const delta = { ...(i === 0 && { role: 'assistant' }), content };
    yield event({ choices: [{ index: 0, delta, finish_reason: null }] });
  }
  yield event({ choices: [{ index: 0, delta: {}, finish_reason: answer.finishReason }] });
  yield event({ choices: [], usage: usageOf(usage) });
  yield 'data: [DONE]\n\n';
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
