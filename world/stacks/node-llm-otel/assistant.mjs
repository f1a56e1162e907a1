import * as bedrock from '@aws-sdk/client-bedrock-runtime';
import { GoogleGenAI } from '@google/genai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import OpenAI from 'openai';
import { bedrockCalls } from 'world-node/bedrock-calls.mjs';
import { assistants, key, MODEL, urlOf } from 'world-node/llm.mjs';
import { openaiCalls } from 'world-node/openai-calls.mjs';
import { serve } from 'world-node/serve.mjs';

const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: urlOf('generativelanguage.googleapis.com') } });
const ask = { model: MODEL.google, contents: 'When does my parcel arrive?' };
const calls = {
  openai: openaiCalls(OpenAI),
  bedrock: bedrockCalls(bedrock, new NodeHttpHandler()),
  google: { chat: async () => (await google.models.generateContent(ask)).text },
};
serve('assistant-api', 8080, '/ask', assistants(calls));
