import { createRequire } from 'node:module';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { anthropicCalls } from 'world-node/anthropic-calls.mjs';
import { bedrockCalls } from 'world-node/bedrock-calls.mjs';
import { assistants } from 'world-node/llm.mjs';
import { openaiCalls } from 'world-node/openai-calls.mjs';
import { serve } from 'world-node/serve.mjs';

// OpenLLMetry patches what is required; for what is imported it must be handed each module.
const require = createRequire(import.meta.url);
const [OpenAI, Anthropic] = [require('openai'), require('@anthropic-ai/sdk')];
const bedrock = require('@aws-sdk/client-bedrock-runtime');
const calls = {
  openai: openaiCalls(OpenAI),
  anthropic: anthropicCalls(Anthropic),
  bedrock: bedrockCalls(bedrock, new NodeHttpHandler()),
};
serve('assistant-api', 8080, '/ask', assistants(calls));
