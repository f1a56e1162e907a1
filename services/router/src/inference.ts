// POST /inference: asks one provider after the other until one answers.
import { type Attributes, context } from '@opentelemetry/api';
import type { DBTracer } from '@project-beacon/tracer';
import type { FastifyInstance } from 'fastify';
import type { Answer } from './answer.ts';
import { candidates } from './choose.ts';
import { mayFailOver, type ProviderAttempt, RouterError } from './errors.ts';
import type { Provider } from './provider.ts';
import { type InferenceRequest, readRequest } from './request.ts';

export interface Answered extends Answer {
  provider: string;
  region: string;
  model: string;
  /** Providers that failed before this one answered. */
  attempts: ProviderAttempt[];
}

export function inferenceRoute(app: FastifyInstance, tracer: DBTracer, providers: readonly Provider[]): void {
  app.post('/inference', async (request, reply) => {
    const asked = readRequest(request.body);
    const gone = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) gone.abort();
    });
    const execution = tracer.setExecutionContext({ modelId: asked.model, region: asked.region });
    return context.with(execution, () => firstAnswer(tracer, providers, asked, gone.signal));
  });
}

/** @throws RouterError of the last provider that was really asked, with what each of them said. */
async function firstAnswer(
  tracer: DBTracer,
  providers: readonly Provider[],
  { model, region, messages }: InferenceRequest,
  gone: AbortSignal,
): Promise<Answered> {
  const attempts: ProviderAttempt[] = [];
  let failure: RouterError | undefined;
  for (const provider of candidates(providers, model, region)) {
    const { name } = provider.config;
    const attributes = {
      'beacon.provider': name,
      'beacon.provider_attempt': attempts.length + 1,
      'beacon.circuit': provider.circuit(),
    };
    try {
      const answer = await tracer.withSpan('provider.call', { attributes }, async (span) => {
        try {
          const answered = await provider.ask(model, messages, gone);
          span.setAttributes(attributesOf(provider, model, answered));
          return answered;
        } catch (error) {
          const { code, missingSetting, hiddenStatus } = error as RouterError;
          span.setAttribute('error.type', code);
          if (hiddenStatus) span.setAttribute('beacon.hidden_status', hiddenStatus);
          if (missingSetting) span.setAttribute('beacon.missing_setting', missingSetting);
          throw error;
        }
      });
      return { ...answer, provider: name, region, model, attempts };
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      attempts.push({ provider: name, code: error.code });
      if (!failure || error.code !== 'circuit_open') failure = error;
      if (!mayFailOver(error)) break;
    }
  }
  throw Object.assign(failure!, { attempts });
}

/** OpenTelemetry's names where it has one; only what the provider said. */
function attributesOf({ config }: Provider, model: string, answer: Answer): Attributes {
  const { usage, finishReason, firstChunkMs } = answer;
  const said = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': config.api,
    'gen_ai.request.model': model,
    'gen_ai.response.model': answer.responseModel,
    'gen_ai.response.finish_reasons': finishReason === null ? null : [finishReason],
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cachedTokens,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens,
    'gen_ai.response.time_to_first_chunk': firstChunkMs === null ? null : firstChunkMs / 1000,
    'openai.response.system_fingerprint': answer.systemFingerprint,
    'beacon.served_region': answer.servedRegion,
    'beacon.quantisation': answer.quantisation,
    'beacon.simulated': answer.simulated || null,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null)) as Attributes;
}
