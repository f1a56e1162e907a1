// The openai SDK as an assistant uses it.
import { key, MODEL, patience, urlOf } from './llm.mjs';

const question = [{ role: 'user', content: 'When does my parcel arrive?' }];
const tools = [
  {
    type: 'function',
    function: { name: 'track_parcel', parameters: { type: 'object', properties: { parcel: { type: 'string' } } } },
  },
];

/** @param around Wraps the client, where an SDK asks for that. */
export function openaiCalls(OpenAI, around = (client) => client) {
  const client = around(new OpenAI({ apiKey: key, baseURL: `${urlOf('api.openai.com')}/v1`, ...patience() }));
  const ask = (more) => client.chat.completions.create({ model: MODEL.openai, messages: question, ...more });
  return {
    chat: async () => (await ask({})).choices[0].message.content,
    json: async () => JSON.parse((await ask({ max_tokens: 16 })).choices[0].message.content),
    async stream() {
      let text = '';
      for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
        text += chunk.choices[0]?.delta.content ?? '';
      }
      return text;
    },
    async tool() {
      const { message } = (await ask({ tools })).choices[0];
      const [call] = message.tool_calls;
      const { parcel } = JSON.parse(call.function.arguments);
      const result = { role: 'tool', tool_call_id: call.id, content: `parcel ${parcel} is in Ghent` };
      return (await ask({ tools, messages: [...question, message, result] })).choices[0].message.content;
    },
  };
}
