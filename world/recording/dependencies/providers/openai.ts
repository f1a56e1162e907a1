// Chat completions, responses and embeddings of OpenAI, and the errors that its API and Azure's send.
import type { Answer, Asked } from '../providers.ts';

const error = (
  status: number,
  code: string | null,
  type: string | null,
  message: string,
  param: string | null = null,
) => ({
  status,
  body: { error: { message, type, param, code } },
});
const LIMITS = 'Visit https://platform.openai.com/account/rate-limits to learn more.';

const ERRORS: Record<string, (model: string) => Answer> = {
  'rate-limit': (model) => ({
    ...error(
      429,
      'rate_limit_exceeded',
      'tokens',
      `Rate limit reached for ${model} in organization org-example on tokens per min (TPM): Limit 30000, Used 29512, Requested 1201. Please try again in 1.426s. ${LIMITS}`,
    ),
    headers: { 'retry-after': '2', 'retry-after-ms': '1426', 'x-ratelimit-remaining-tokens': '488' },
  }),
  'rate-limit-bare': (model) =>
    error(
      429,
      'rate_limit_exceeded',
      'requests',
      `Rate limit reached for ${model} in organization org-example on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. ${LIMITS}`,
    ),
  quota: () =>
    error(
      429,
      'insufficient_quota',
      'insufficient_quota',
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
    ),
  'too-long': () =>
    error(
      400,
      'context_length_exceeded',
      'invalid_request_error',
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. Please reduce the length of the messages.",
      'messages',
    ),
  'invalid-key': () =>
    error(
      401,
      'invalid_api_key',
      'invalid_request_error',
      'Incorrect API key provided: world-***key. You can find your API key at https://platform.openai.com/account/api-keys.',
    ),
  'no-permission': (model) =>
    error(
      403,
      'model_not_found',
      'invalid_request_error',
      `Project \`proj_example\` does not have access to model \`${model}\``,
    ),
  'no-model': (model) =>
    error(
      404,
      'model_not_found',
      'invalid_request_error',
      `The model \`${model}\` does not exist or you do not have access to it.`,
    ),
  'deprecated-model': (model) =>
    error(
      404,
      'model_not_found',
      'invalid_request_error',
      `The model \`${model}\` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations`,
    ),
  filtered: () => ({
    status: 400,
    body: {
      error: {
        message:
          "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
        innererror: {
          code: 'ResponsibleAIPolicyViolation',
          content_filter_result: { violence: { filtered: true, severity: 'medium' } },
        },
      },
    },
  }),
  'bad-parameter': () =>
    error(
      400,
      'unsupported_parameter',
      'invalid_request_error',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
    ),
  'tool-order': () =>
    error(
      400,
      null,
      'invalid_request_error',
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_0001",
      'messages.[2].role',
    ),
  'server-error': () =>
    error(500, null, 'server_error', 'The server had an error while processing your request. Sorry about that!'),
  overloaded: () => error(503, null, 'server_error', 'The engine is currently overloaded, please try again later'),
};

const USAGE = { prompt_tokens: 18, completion_tokens: 9, total_tokens: 27 };

export function openai({ fault, path, retries, body }: Asked): Answer {
  const model = body.model ?? 'gpt-4o';
  const refused = ERRORS[fault === 'retried' && retries === 0 ? 'overloaded' : fault]?.(model);
  if (refused) return refused;
  if (path.endsWith('/embeddings')) {
    const data = [{ object: 'embedding', index: 0, embedding: [0.1, 0.2, 0.3] }];
    return { status: 200, body: { object: 'list', model, data, usage: { prompt_tokens: 5, total_tokens: 5 } } };
  }
  if (path.endsWith('/responses')) return { status: 200, body: response(fault, model) };
  if (body.stream) return streamed(fault, model);
  return { status: 200, body: completion(fault, model, wantsTool(fault, body)) };
}

/** A tool is called once; after its result the model answers. */
function wantsTool(fault: string, { tools, messages = [] }: Asked['body']): boolean {
  if (!tools?.length) return false;
  return fault === 'endless-tools' || messages.at(-1)?.role !== 'tool';
}

const ENDS: Record<string, { content: string | null; finish_reason: string; tokens: number }> = {
  empty: { content: '', finish_reason: 'stop', tokens: 0 },
  'filtered-answer': { content: '', finish_reason: 'content_filter', tokens: 0 },
  'out-of-tokens': { content: '', finish_reason: 'length', tokens: 2048 },
};

function completion(fault: string, model: string, tool: boolean) {
  const { content, finish_reason, tokens } = ENDS[fault] ?? {
    content: 'It is sunny in Paris.',
    finish_reason: 'stop',
    tokens: 9,
  };
  const call = {
    id: 'call_0001',
    type: 'function',
    function: {
      name: fault === 'unknown-tool' ? 'get_wether' : 'get_weather',
      arguments: fault === 'bad-tool-call' ? '{"city": "Par' : '{"city": "Paris"}',
    },
  };
  const message = tool ? { role: 'assistant', content: null, tool_calls: [call] } : { role: 'assistant', content };
  return {
    id: 'chatcmpl-0001',
    object: 'chat.completion',
    created: 1767225600,
    model: `${model}-2024-11-20`,
    system_fingerprint: 'fp_0001',
    service_tier: 'default',
    choices: [{ index: 0, message, finish_reason: tool ? 'tool_calls' : finish_reason, logprobs: null }],
    usage: { ...USAGE, completion_tokens: tokens, total_tokens: 18 + tokens },
  };
}

function streamed(fault: string, model: string): Answer {
  const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-0001', object: 'chat.completion.chunk', created: 1767225600, model: `${model}-2024-11-20`, choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
  const words = ['It ', 'is ', 'sunny ', 'in ', 'Paris.'].map((content) => chunk({ content }));
  const head = chunk({ role: 'assistant', content: '' });
  if (fault === 'stream-cut') return { status: 200, stream: [head, ...words.slice(0, 2)], ends: 'cut' };
  if (fault === 'stream-stalls') return { status: 200, stream: [head, ...words.slice(0, 2)], ends: 'silence' };
  if (fault === 'stream-error') {
    const broken = {
      error: {
        message: 'The server had an error while processing your request. Sorry about that!',
        type: 'server_error',
        param: null,
        code: null,
      },
    };
    return { status: 200, stream: [head, ...words.slice(0, 2), `data: ${JSON.stringify(broken)}\n\n`] };
  }
  const { finish_reason, tokens } = ENDS[fault] ?? { finish_reason: 'stop', tokens: 9 };
  const usage = { ...USAGE, completion_tokens: tokens, total_tokens: 18 + tokens };
  const last = `data: ${JSON.stringify({ id: 'chatcmpl-0001', object: 'chat.completion.chunk', created: 1767225600, model, choices: [], usage })}\n\n`;
  return {
    status: 200,
    stream: [head, ...(ENDS[fault] ? [] : words), chunk({}, finish_reason), last, 'data: [DONE]\n\n'],
  };
}

function response(fault: string, model: string) {
  const isCut = fault === 'out-of-tokens' || fault === 'filtered-answer';
  const content = [{ type: 'output_text', text: fault === 'empty' ? '' : 'It is sunny in Paris.', annotations: [] }];
  return {
    id: 'resp_0001',
    object: 'response',
    created_at: 1767225600,
    status: isCut ? 'incomplete' : 'completed',
    incomplete_details: isCut ? { reason: fault === 'out-of-tokens' ? 'max_output_tokens' : 'content_filter' } : null,
    error: null,
    model: `${model}-2024-11-20`,
    output: isCut ? [] : [{ id: 'msg_0001', type: 'message', role: 'assistant', status: 'completed', content }],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: {
      input_tokens: 18,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 9,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 27,
    },
  };
}
