// Anthropic's messages.
const error = (status, type, message, headers) => ({
  status,
  headers: { 'request-id': 'req_1', ...headers },
  body: { type: 'error', error: { type, message }, request_id: 'req_1' },
});

const ERRORS = {
  'rate-limited': () =>
    error(
      429,
      'rate_limit_error',
      "This request would exceed your organization's rate limit of 50,000 input tokens per minute. " +
        'Please reduce the prompt length or the maximum tokens requested, or try again later.',
      { 'retry-after': '1' },
    ),
  overloaded: () => error(529, 'overloaded_error', 'Overloaded'),
  'server-error': () => error(500, 'api_error', 'Internal server error'),
  'invalid-key': () => error(401, 'authentication_error', 'invalid x-api-key'),
  permission: () =>
    error(403, 'permission_error', 'Your API key does not have permission to use the specified resource.'),
  'model-not-found': () => error(404, 'not_found_error', 'model: claude-2.1'),
  'context-too-long': () => error(400, 'invalid_request_error', 'prompt is too long: 214315 tokens > 200000 maximum'),
  'no-credit': () =>
    error(
      400,
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
  'request-too-large': () => error(413, 'request_too_large', 'Request exceeds the maximum size'),
  'bad-order': () =>
    error(
      400,
      'invalid_request_error',
      'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row',
    ),
};

export function anthropic({ scene, body }) {
  if (ERRORS[scene]) return ERRORS[scene]();
  if (scene === 'timeout') return { ...message(body), delayMs: 4000 };
  return body.stream ? streamed(scene, body) : message(body, scene);
}

function message(body, scene = 'ok') {
  const content = [{ type: 'text', text: 'Parcels arrive within three days.' }];
  const usage = { input_tokens: 21, output_tokens: 9, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  let stop_reason = 'end_turn';
  if (scene === 'refusal') [content[0].text, stop_reason] = ['', 'refusal'];
  if (scene === 'empty') {
    content.length = 0;
    usage.output_tokens = 2;
  }
  return {
    body: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: body.model,
      content,
      stop_reason,
      stop_sequence: null,
      usage,
    },
  };
}

function streamed(scene, body) {
  const event = (type, data) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const { content: _content, ...start } = message(body).body;
  const events = [
    event('message_start', { message: { ...start, content: [], stop_reason: null } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Parcels arrive' } }),
  ];
  if (scene === 'stream-cut') return { type: 'text/event-stream', events, cut: true };
  if (scene === 'stream-overloaded') {
    const overloaded = event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } });
    return { type: 'text/event-stream', events: [...events, overloaded] };
  }
  const end = [
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } }),
    event('message_stop', {}),
  ];
  return { type: 'text/event-stream', events: [...events, ...end] };
}
