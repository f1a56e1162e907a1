// Amazon's SDK for Bedrock as an assistant uses it.
import { MODEL, urlOf } from './llm.mjs';

/** @param requestHandler For HTTP/1.1: what stands for Bedrock here speaks no HTTP/2. */
export function bedrockCalls({ BedrockRuntimeClient, ConverseCommand }, requestHandler) {
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    requestHandler,
    endpoint: urlOf('bedrock-runtime.us-east-1.amazonaws.com'),
    credentials: { accessKeyId: 'world', secretAccessKey: 'world' },
  });
  const question = {
    modelId: MODEL.bedrock,
    messages: [{ role: 'user', content: [{ text: 'When does my parcel arrive?' }] }],
  };
  return { chat: async () => (await client.send(new ConverseCommand(question))).output.message.content[0]?.text };
}
