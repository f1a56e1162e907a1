import { createRequire } from 'node:module';
import { anthropicCalls } from 'world-node/anthropic-calls.mjs';
import { assistants } from 'world-node/llm.mjs';
import { openaiCalls } from 'world-node/openai-calls.mjs';
import { serve } from 'world-node/serve.mjs';

// OpenInference patches what is required; for what is imported it must be handed each module.
const require = createRequire(import.meta.url);
const [OpenAI, Anthropic] = [require('openai'), require('@anthropic-ai/sdk')];
// An error in the middle of a stream ends the process (OpenInference reads a copy of it unguarded): nothing to record.
serve('assistant-api', 8080, '/ask', assistants({ openai: openaiCalls(OpenAI), anthropic: anthropicCalls(Anthropic) }));
