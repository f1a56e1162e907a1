// POST /v1/chat/completions: the simulated model, and every fault that shows in an answer.
import { setTimeout as delay } from 'node:timers/promises';
import { type Span, trace } from '@opentelemetry/api';
import type { DBTracer } from '@project-beacon/tracer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Completion, chatCompletion, streamCompletion, streamOf } from './completion.ts';
import { ApiError } from './errors.ts';
import type { Fault, Faults } from './faults.ts';
import type { LocalModel } from './local.ts';
import { countTokens, type Manner, MODELS, simulatedAnswer } from './model.ts';
import { type ChatRequest, keyCheck, knownModel, readChatRequest, unknownModel, wrongKey } from './request.ts';

export interface ChatOptions {
  tracer: DBTracer;
  faults: Faults;
  keys: readonly string[];
  local?: LocalModel | undefined;
  /** Region of the listener a request came in by; undefined for the control port. */
  regionOf: (request: FastifyRequest) => string | undefined;
  /** Aborted when the process stops: a hanging request must not keep it alive. */
  stopping: AbortSignal;
}

interface Generating {
  chat: ChatRequest;
  fault: Fault | undefined;
  real: LocalModel | undefined;
  signal: AbortSignal;
}

export function chatRoutes(
  app: FastifyInstance,
  { tracer, faults, keys, local, regionOf, stopping }: ChatOptions,
): void {
  const checkKey = keyCheck(keys);

  app.post('/v1/chat/completions', async (request, reply) => {
    const region = regionOf(request);
    if (region !== undefined) trace.getActiveSpan()?.setAttribute('cloud.region', region);
    checkKey(request.headers.authorization);
    const chat = readChatRequest(request.body);
    const fault = faults.take(region, chat.question);
    if (fault) request.log.warn({ region, fault: fault.fault, delayMs: fault.delayMs }, 'simulated fault');
    refuseRequest(fault, chat);
    const real = local?.id === chat.model ? local : undefined;
    const model = real ?? knownModel(chat.model);
    if (region !== undefined && fault?.fault === 'hang') return hang(AbortSignal.any([stopping, faults.ended(region)]));

    const attributes = { ...(!real && { 'beacon.simulated': true }), 'gen_ai.request.model': model.id };
    if (fault?.fault === 'cold_start') {
      await tracer.withSpan('model.load', { attributes: { ...attributes, 'faas.coldstart': true } }, () =>
        delay(fault.delayMs, undefined, { signal: stopping }),
      );
    }
    const served = fault?.fault === 'wrong_region' ? otherThan(region) : region;
    reply.headers({
      ...(!real && { 'x-beacon-simulated': 'true' }),
      ...(served !== undefined && { 'x-served-region': served }),
    });
    // The lie of some gateways: the request is refused, and the status says that all is well.
    if (fault?.fault === 'error_as_answer') return rateLimited().body();
    return tracer.withSpan(
      'model.generate',
      { attributes: { ...attributes, 'gen_ai.operation.name': 'chat' } },
      (span) => generate(span, reply, { chat, fault, real, signal: stopping }),
    );
  });

  async function generate(span: Span, reply: FastifyReply, generating: Generating) {
    const { chat, fault, real, signal } = generating;
    if (fault?.fault === 'crash') await crash(fault.delayMs);
    if (fault?.fault === 'slow') await delay(fault.delayMs, undefined, { signal });
    const failure = fault && generationFailure(fault);
    if (failure) {
      span.setAttribute('error.type', failure.code);
      throw failure;
    }
    // A refusal or an empty answer is planted: no model is asked for it.
    const planted = ['refusal', 'empty_output'].includes(mannerOf(fault));
    if (real && !planted) return ask(real, span, reply, generating);
    const model = real ? { id: real.id, msPerToken: 2 } : knownModel(chat.model);
    const answer = simulatedAnswer(model, chat.question, mannerOf(fault), chat.maxTokens);
    const usage = { input: countTokens(chat.prompt), output: answer.outputTokens };
    const drifted = fault?.fault === 'drifted_model';
    const completion: Completion = {
      model: drifted ? MODELS.find(({ id }) => id !== model.id)!.id : model.id,
      answer,
      usage,
      fingerprint: drifted ? 'simulated-drifted' : 'simulated',
    };
    describe(span, completion);
    if (chat.stream && fault?.fault !== 'cut' && fault?.fault !== 'malformed_body') {
      await streamCompletion(reply, completion, signal);
      return reply;
    }
    await delay(answer.generationMs, undefined, { signal });
    const whole = chatCompletion(completion);
    if (fault?.fault === 'cut') return cut(reply, whole);
    if (fault?.fault === 'malformed_body')
      return reply.type('application/json').send(JSON.stringify(whole).slice(0, -40));
    return whole;
  }
}

/** The local model's answer, each piece sent when it is written. */
async function ask(model: LocalModel, span: Span, reply: FastifyReply, { chat, fault, signal }: Generating) {
  // A question whose caller has gone must not keep the others waiting.
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const made = async (onChunk?: (text: string) => void): Promise<Completion> => {
    const options = {
      manner: mannerOf(fault),
      maxTokens: chat.maxTokens,
      signal: AbortSignal.any([signal, gone.signal]),
      ...(onChunk && { onChunk }),
    };
    const answer = await model.answer(chat.question, options);
    const usage = { input: model.countTokens(chat.prompt), output: answer.outputTokens };
    const completion = { model: model.id, answer, usage, fingerprint: `${model.id}-q4_k_m`, simulated: false };
    describe(span, completion);
    return completion;
  };
  if (!chat.stream) return chatCompletion(await made());
  await streamOf(reply, { model: model.id, fingerprint: `${model.id}-q4_k_m`, simulated: false }, made);
  return reply;
}

function describe(span: Span, { model, answer, usage, fingerprint }: Completion): void {
  span.setAttributes({
    'gen_ai.response.model': model,
    'gen_ai.response.finish_reasons': [answer.finishReason],
    'gen_ai.usage.input_tokens': usage.input,
    'gen_ai.usage.output_tokens': usage.output,
    'openai.response.system_fingerprint': fingerprint,
  });
}

function mannerOf(fault: Fault | undefined): Manner {
  const manners: readonly string[] = ['other_answer', 'refusal', 'truncated', 'empty_output'] satisfies Manner[];
  return fault && manners.includes(fault.fault) ? (fault.fault as Manner) : 'usual';
}

function otherThan(region: string | undefined): string {
  return region === 'us-east' ? 'eu-west' : 'us-east';
}

function rateLimited(): ApiError {
  return new ApiError(429, 'rate_limit_exceeded', 'Too many requests; try again in a second.', {
    type: 'rate_limit_error',
    retryAfter: 1,
  });
}

/** Faults that stop a request before any model sees it. */
function refuseRequest(fault: Fault | undefined, chat: ChatRequest): void {
  if (fault?.fault === 'wrong_key') throw wrongKey();
  if (fault?.fault === 'unknown_model') throw unknownModel(chat.model);
  if (fault?.fault === 'rate_limit') throw rateLimited();
}

function generationFailure(fault: Fault): ApiError | undefined {
  if (fault.fault === 'error_500') {
    return new ApiError(500, 'internal_error', 'The model failed while it generated an answer.');
  }
  if (fault.fault === 'out_of_memory') {
    return new ApiError(503, 'out_of_memory', 'Out of GPU memory: 1.25 GiB asked for, 0.31 GiB free.');
  }
  return undefined;
}

/** Does not answer, as a deadlocked process would, until the fault is deleted or the process stops. */
async function hang(over: AbortSignal): Promise<never> {
  if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  throw new ApiError(503, 'hung_up', 'The request hung until its fault was over.');
}

/** Dies the way the kernel kills a process that is out of memory: no signal handler, no flush. */
async function crash(afterMs: number): Promise<never> {
  await delay(afterMs);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

/** Announces the whole body, sends half of it and closes the connection. */
function cut(reply: FastifyReply, completion: object): FastifyReply {
  const body = JSON.stringify(completion);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  reply.raw.write(body.slice(0, body.length / 2), () => reply.raw.destroy());
  return reply;
}
