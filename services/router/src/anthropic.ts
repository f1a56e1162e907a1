// Anthropic's messages, through its own SDK.
import Anthropic, { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { type Answer, Pace } from './answer.ts';
import type { ProviderConfig } from './config.ts';
import type { Call } from './provider.ts';
import { readRefusal } from './refusal.ts';

/** Anthropic asks for a limit; where `parameters` names none, this is it. */
const MAX_TOKENS = 1024;

export function anthropicClient(config: ProviderConfig): (call: Call) => Promise<Answer> {
  return async ({ model, messages, secret, signal }) => {
    const client = new Anthropic({
      apiKey: secret ?? null,
      maxRetries: 0,
      ...(config.url && { baseURL: config.url }),
      ...(config.headers && { defaultHeaders: config.headers }),
    });
    const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
    const said = messages.filter(({ role }) => role !== 'system') as Anthropic.MessageParam[];
    const pace = new Pace();
    try {
      const stream = client.messages.stream(
        {
          max_tokens: MAX_TOKENS,
          ...config.parameters,
          model: config.modelNames?.[model] ?? model,
          messages: said,
          ...(system.length > 0 && { system: system.join('\n\n') }),
        },
        { signal },
      );
      stream.on('text', () => pace.chunk());
      return { ...read(await stream.finalMessage()), ...pace.read() };
    } catch (error) {
      if (error instanceof APIConnectionError) throw error.cause ?? error;
      if (!(error instanceof APIError)) throw error;
      // An error in the middle of a stream has no status: its type says what a status would have said.
      const status = error.status ?? STATUS_BY_TYPE[String(typeOf(error.error))] ?? 502;
      const retryAfter = error.headers?.get('retry-after') ?? null;
      throw readRefusal(config.name, { status, retryAfter, text: JSON.stringify(error.error ?? {}) }, secret);
    }
  };
}

const STATUS_BY_TYPE: Record<string, number> = {
  overloaded_error: 529,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  invalid_request_error: 400,
};

function typeOf(body: unknown): unknown {
  return (body as { error?: { type?: unknown } } | undefined)?.error?.type;
}

function read({ content, model, stop_reason, usage }: Anthropic.Message): Omit<Answer, 'firstChunkMs' | 'chunksPerS'> {
  const cached = usage.cache_read_input_tokens;
  const written = usage.cache_creation_input_tokens ?? 0;
  return {
    answer: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    simulated: false,
    responseModel: model,
    finishReason: stop_reason,
    servedRegion: (usage as { inference_geo?: string | null }).inference_geo ?? null,
    systemFingerprint: null,
    quantisation: null,
    usage: {
      // Anthropic counts what came from and went into its cache beside the input; everyone else within it.
      inputTokens: usage.input_tokens + (cached ?? 0) + written,
      outputTokens: usage.output_tokens,
      cachedTokens: cached ?? null,
      reasoningTokens: null,
    },
  };
}
