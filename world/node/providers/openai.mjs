// OpenAI's chat completions.
const error = (status, message, type, code, headers) => ({
  status,
  headers: { 'x-request-id': 'req_1', ...headers },
  body: { error: { message, type, param: null, code } },
});

const ERRORS = {
  'rate-limited': () =>
    error(
      429,
      'Rate limit reached for gpt-4o in organization org-world on requests per min (RPM): Limit 500, Used 500, Requested 1. ' +
        'Please try again in 120ms. Visit https://platform.openai.com/account/rate-limits to learn more.',
      'requests',
      'rate_limit_exceeded',
      { 'retry-after': '1', 'x-ratelimit-remaining-requests': '0' },
    ),
  'tokens-limited': () =>
    error(
      429,
      'Rate limit reached for gpt-4o in organization org-world on tokens per min (TPM): Limit 30000, Used 29500, Requested 1200.',
      'tokens',
      'rate_limit_exceeded',
    ),
  quota: () =>
    error(
      429,
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, ' +
        'read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
      'insufficient_quota',
      'insufficient_quota',
    ),
  'context-too-long': () =>
    error(
      400,
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 141212 tokens. " +
        'Please reduce the length of the messages.',
      'invalid_request_error',
      'context_length_exceeded',
    ),
  'content-filter': () =>
    error(
      400,
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. " +
        'Please modify your prompt and retry.',
      null,
      'content_filter',
    ),
  'bad-parameter': () =>
    error(
      400,
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'invalid_request_error',
      'unsupported_parameter',
    ),
  'invalid-key': () =>
    error(
      401,
      'Incorrect API key provided: wor****key. You can find your API key at https://platform.openai.com/account/api-keys.',
      'invalid_request_error',
      'invalid_api_key',
    ),
  'region-not-supported': () =>
    error(
      403,
      'Country, region, or territory not supported',
      'request_forbidden',
      'unsupported_country_region_territory',
    ),
  'model-not-found': () =>
    error(
      404,
      'The model `gpt-9-turbo` does not exist or you do not have access to it.',
      'invalid_request_error',
      'model_not_found',
    ),
  'model-deprecated': () =>
    error(
      404,
      'The model `gpt-4-32k` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations',
      'invalid_request_error',
      'model_not_found',
    ),
  'server-error': () =>
    error(500, 'The server had an error while processing your request. Sorry about that!', 'server_error', null),
  overloaded: () => error(503, 'The engine is currently overloaded, please try again later', 'server_error', null),
};

export function openai({ scene, body, path, asked }) {
  if (scene === 'retried-ok' && asked === 1) return ERRORS['rate-limited']();
  if (scene === 'timeout') return { ...completion(body), delayMs: 4000 };
  if (ERRORS[scene]) return ERRORS[scene]();
  if (path.endsWith('/embeddings')) {
    const usage = { prompt_tokens: 5, total_tokens: 5 };
    return {
      body: {
        object: 'list',
        model: body.model,
        data: [{ object: 'embedding', index: 0, embedding: [0.1, 0.2] }],
        usage,
      },
    };
  }
  return body.stream ? streamed(scene, body) : completion(body, scene);
}

function completion(body, scene = 'ok') {
  const message = { role: 'assistant', content: 'Parcels arrive within three days.', refusal: null };
  const usage = { prompt_tokens: 21, completion_tokens: 9, total_tokens: 30 };
  let finish = 'stop';
  if (scene === 'empty') [message.content, usage.completion_tokens] = ['', 0];
  if (scene === 'filtered') [message.content, finish, usage.completion_tokens] = ['', 'content_filter', 0];
  if (scene === 'cut-by-length')
    [message.content, finish, usage.completion_tokens] = ['{"days": 3, "carr', 'length', 16];
  if (scene === 'refusal') [message.content, message.refusal] = [null, "I'm sorry, I can't assist with that request."];
  if (scene.startsWith('tool') || scene === 'malformed-tool-call') {
    const args = scene === 'malformed-tool-call' ? '{"parcel": "17", ' : '{"parcel":"17"}';
    const asks = !body.messages.some(({ role }) => role === 'tool');
    if (asks) {
      finish = 'tool_calls';
      message.content = null;
      message.tool_calls = [{ id: 'call_1', type: 'function', function: { name: 'track_parcel', arguments: args } }];
    }
  }
  return {
    body: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1767225600,
      model: `${body.model}-2024-08-06`,
      service_tier: 'default',
      system_fingerprint: 'fp_1',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
      usage,
    },
  };
}

function streamed(scene, body) {
  const chunk = (delta, finish_reason = null, more = {}) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1767225600,
      model: `${body.model}-2024-08-06`,
      choices: [{ index: 0, delta, finish_reason }],
      ...more,
    })}\n\n`;
  const events = [chunk({ role: 'assistant', content: '' }), chunk({ content: 'Parcels arrive' })];
  if (scene === 'stream-cut') return { type: 'text/event-stream', events, cut: true };
  if (scene === 'stream-error') {
    const failed = {
      message: 'The server had an error while processing your request. Sorry about that!',
      type: 'server_error',
    };
    return { type: 'text/event-stream', events: [...events, `data: ${JSON.stringify({ error: failed })}\n\n`] };
  }
  const usage = { prompt_tokens: 21, completion_tokens: 9, total_tokens: 30 };
  return { type: 'text/event-stream', events: [...events, chunk({}, 'stop', { usage }), 'data: [DONE]\n\n'] };
}
