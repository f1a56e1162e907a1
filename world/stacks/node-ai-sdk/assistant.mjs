import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { assistants, key, MODEL, urlOf } from 'world-node/llm.mjs';
import { serve } from 'world-node/serve.mjs';

const scene = process.env.FAILURE;
const openai = createOpenAI({ apiKey: key, baseURL: `${urlOf('api.openai.com')}/v1` }).chat(MODEL.openai);
const anthropic = createAnthropic({ apiKey: key, baseURL: `${urlOf('api.anthropic.com')}/v1` })(MODEL.anthropic);
const object = (properties) => jsonSchema({ type: 'object', properties, required: Object.keys(properties) });
const track_parcel = tool({
  description: 'Where a parcel is',
  inputSchema: object({ parcel: { type: 'string' } }),
  async execute({ parcel }) {
    if (scene === 'openai-tool-throws') throw new Error(`carrier answered 500 for parcel ${parcel}`);
    return `parcel ${parcel} is in Ghent`;
  },
});

function calls(model) {
  const ask = () => ({
    model,
    prompt: 'When does my parcel arrive?',
    experimental_telemetry: { isEnabled: true, functionId: 'parcel-question' },
    ...(scene.endsWith('-timeout') ? { abortSignal: AbortSignal.timeout(1000), maxRetries: 0 } : {}),
  });
  return {
    chat: async () => (await generateText(ask())).text,
    json: async () => (await generateObject({ ...ask(), schema: object({ days: { type: 'number' } }) })).object,
    tool: async () => (await generateText({ ...ask(), tools: { track_parcel }, stopWhen: stepCountIs(3) })).text,
    async stream() {
      let text = '';
      for await (const part of streamText({ ...ask(), onError: () => {} }).fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta') text += part.text;
      }
      return text;
    },
  };
}
serve('assistant-api', 8080, '/ask', assistants({ openai: calls(openai), anthropic: calls(anthropic) }));
