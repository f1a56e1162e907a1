// A completion in OpenAI's shape: whole, or as server-sent events of one chunk a token.
import { randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { type Answer, chunksOf } from './model.ts';

export interface Completion {
  model: string;
  answer: Answer;
  usage: { input: number; output: number };
  fingerprint: string;
  /** Default true. */
  simulated?: boolean;
}

export function chatCompletion(completion: Completion) {
  const { answer, usage } = completion;
  return {
    ...head('chat.completion', completion),
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

/** Sends what `make` writes as it is written; resolves when it has been sent, or when the caller has gone. */
export async function streamOf(
  reply: FastifyReply,
  of: Head,
  make: (onChunk: (text: string) => void) => Promise<Completion>,
): Promise<void> {
  const stream = new PassThrough();
  const over = finished(stream).catch(() => {});
  reply.type('text/event-stream').header('cache-control', 'no-store').send(stream);
  const event = eventOf(of);
  let isFirst = true;
  try {
    const { answer, usage } = await make((text) => {
      stream.write(event(piece(text, isFirst)));
      isFirst = false;
    });
    stream.end(end(event, answer, usage));
  } catch (error) {
    stream.destroy(error as Error);
    throw error;
  }
  await over;
}

async function* events(completion: Completion, signal: AbortSignal): AsyncGenerator<string> {
  const { answer, usage } = completion;
  const event = eventOf(completion);
  const pieces = chunksOf(answer.text);
  for (const [i, content] of pieces.entries()) {
    await delay(answer.generationMs / pieces.length, undefined, { signal });
    yield event(piece(content, i === 0));
  }
  yield end(event, answer, usage);
}

function eventOf(of: Head): (part: object) => string {
  const start = head('chat.completion.chunk', of);
  return (part) => `data: ${JSON.stringify({ ...start, ...part })}\n\n`;
}

function piece(content: string, isFirst: boolean): object {
  const delta = { ...(isFirst && { role: 'assistant' }), content };
  return { choices: [{ index: 0, delta, finish_reason: null }] };
}

function end(event: (part: object) => string, answer: Answer, usage: Completion['usage']): string {
  const last = event({ choices: [{ index: 0, delta: {}, finish_reason: answer.finishReason }] });
  return `${last}${event({ choices: [], usage: usageOf(usage) })}data: [DONE]\n\n`;
}

type Head = Pick<Completion, 'model' | 'fingerprint' | 'simulated'>;

function head(object: string, { model, fingerprint, simulated = true }: Head) {
  return {
    id: `chatcmpl-${randomUUID()}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    simulated,
    system_fingerprint: fingerprint,
  };
}

function usageOf({ input, output }: { input: number; output: number }) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
