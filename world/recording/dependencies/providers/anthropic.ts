// Messages of Anthropic, and the errors that its API sends.
import type { Answer, Asked } from '../providers.ts';

const error = (status: number, type: string, message: string): Answer => ({
  status,
  headers: { 'request-id': 'req_0001' },
  body: { type: 'error', error: { type, message }, request_id: 'req_0001' },
});

const ERRORS: Record<string, (model: string) => Answer> = {
  'rate-limit': () => ({
    ...error(
      429,
      'rate_limit_error',
      "This request would exceed your organization's rate limit of 40,000 input tokens per minute. Please reduce the prompt length or the maximum tokens requested, or try again later.",
    ),
    headers: { 'retry-after': '14', 'request-id': 'req_0001' },
  }),
  'rate-limit-bare': () =>
    error(429, 'rate_limit_error', 'Number of request tokens has exceeded your per-minute rate limit'),
  quota: () =>
    error(
      400,
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
  'too-long': () => error(400, 'invalid_request_error', 'prompt is too long: 209014 tokens > 200000 maximum'),
  'invalid-key': () => error(401, 'authentication_error', 'invalid x-api-key'),
  'no-permission': () =>
    error(403, 'permission_error', 'Your API key does not have permission to use the specified resource.'),
  'no-model': (model) => error(404, 'not_found_error', `model: ${model}`),
  'too-large': () => error(413, 'request_too_large', 'Request exceeds the maximum size'),
  filtered: () => error(400, 'invalid_request_error', 'Output blocked by content filtering policy'),
  'server-error': () => error(500, 'api_error', 'Internal server error'),
  overloaded: () => error(529, 'overloaded_error', 'Overloaded'),
};

export function anthropic({ fault, body }: Asked): Answer {
  const model = body.model ?? 'claude-sonnet-4-5';
  const refused = ERRORS[fault]?.(model);
  if (refused) return refused;
  const last = body.messages?.at(-1)?.content;
  const hasResult = Array.isArray(last) && last.some((each) => each?.type === 'tool_result');
  const tool = (body.tools?.length ?? 0) > 0 && !hasResult;
  const text = { type: 'text', text: 'It is sunny in Paris.' };
  const use = {
    type: 'tool_use',
    id: 'toolu_0001',
    name: 'get_weather',
    input: fault === 'bad-tool-call' ? { town: 7 } : { city: 'Paris' },
  };
  const isEmpty = fault === 'empty' || fault === 'filtered-answer' || fault === 'out-of-tokens';
  const reasons: Record<string, string> = { 'filtered-answer': 'refusal', 'out-of-tokens': 'max_tokens' };
  const stop_reason = reasons[fault] ?? (tool ? 'tool_use' : 'end_turn');
  const usage = {
    input_tokens: 18,
    output_tokens: isEmpty && fault !== 'out-of-tokens' ? 0 : 9,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const message = {
    id: 'msg_0001',
    type: 'message',
    role: 'assistant',
    model,
    content: isEmpty ? [] : tool ? [use] : [text],
    stop_reason,
    stop_sequence: null,
    usage,
  };
  if (!body.stream) return { status: 200, headers: { 'request-id': 'req_0001' }, body: message };
  const event = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const start = [
    event('message_start', { message: { ...message, content: [], stop_reason: null } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...['It is ', 'sunny '].map((part) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: part } }),
    ),
  ];
  if (fault === 'stream-cut') return { status: 200, stream: start, ends: 'cut' };
  if (fault === 'stream-error') {
    return {
      status: 200,
      stream: [...start, event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })],
    };
  }
  const end = [
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 9 } }),
    event('message_stop', {}),
  ];
  return { status: 200, stream: [...start, ...end] };
}
