// Google's Gemini, through its own SDK.
import { ApiError, type GenerateContentResponse, GoogleGenAI } from '@google/genai';
import { type Answer, Pace } from './answer.ts';
import type { ProviderConfig } from './config.ts';
import { RouterError } from './errors.ts';
import type { Call } from './provider.ts';
import { readRefusal } from './refusal.ts';

export function geminiClient(config: ProviderConfig): (call: Call) => Promise<Answer> {
  return async ({ model, messages, secret, signal }) => {
    const client = new GoogleGenAI({
      apiKey: secret ?? '',
      httpOptions: { ...(config.url && { baseUrl: config.url }), ...(config.headers && { headers: config.headers }) },
    });
    const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
    const contents = messages
      .filter(({ role }) => role !== 'system')
      .map(({ role, content }) => ({ role: role === 'assistant' ? 'model' : 'user', parts: [{ text: content }] }));
    const pace = new Pace();
    try {
      const stream = await client.models.generateContentStream({
        model: config.modelNames?.[model] ?? model,
        contents,
        config: {
          ...config.parameters,
          abortSignal: signal,
          ...(system.length > 0 && { systemInstruction: system.join('\n\n') }),
        },
      });
      const pieces: string[] = [];
      let last: GenerateContentResponse | undefined;
      for await (const part of stream) {
        // Not `part.text`: that warns where a part is no text.
        const text = (part.candidates?.[0]?.content?.parts ?? [])
          .map((each) => (each.thought ? '' : (each.text ?? '')))
          .join('');
        if (text) {
          pace.chunk();
          pieces.push(text);
        }
        last = part;
      }
      if (!last) {
        throw new RouterError(502, 'malformed_response', `${config.name}: the stream ended without an answer.`);
      }
      return { ...read(last), answer: pieces.join(''), ...pace.read() };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw readRefusal(config.name, { status: error.status, retryAfter: null, text: error.message }, secret);
    }
  };
}

function read(last: GenerateContentResponse): Omit<Answer, 'answer' | 'firstChunkMs' | 'chunksPerS'> {
  const { usageMetadata: usage, modelVersion, promptFeedback, candidates } = last;
  const thought = usage?.thoughtsTokenCount;
  return {
    simulated: false,
    responseModel: modelVersion ?? null,
    finishReason: candidates?.[0]?.finishReason ?? promptFeedback?.blockReason ?? null,
    servedRegion: null,
    systemFingerprint: null,
    quantisation: null,
    usage: {
      inputTokens: usage?.promptTokenCount ?? null,
      // Google counts reasoning beside the answer; everyone else within it.
      outputTokens: usage?.candidatesTokenCount === undefined ? null : usage.candidatesTokenCount + (thought ?? 0),
      cachedTokens: usage?.cachedContentTokenCount ?? null,
      reasoningTokens: thought ?? null,
    },
  };
}
