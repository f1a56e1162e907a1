// The Anthropic SDK as an assistant uses it.
import { key, MODEL, patience, urlOf } from './llm.mjs';

export function anthropicCalls(Anthropic) {
  const client = new Anthropic({ apiKey: key, baseURL: urlOf('api.anthropic.com'), ...patience() });
  const question = {
    model: MODEL.anthropic,
    max_tokens: 100,
    messages: [{ role: 'user', content: 'When does my parcel arrive?' }],
  };
  return {
    chat: async () => (await client.messages.create(question)).content[0]?.text,
    async stream() {
      let text = '';
      for await (const event of await client.messages.create({ ...question, stream: true }))
        text += event.delta?.text ?? '';
      return text;
    },
  };
}
