// Converse and InvokeModel of Amazon Bedrock, and the errors that they send.
import type { Answer, Asked } from '../providers.ts';

const error = (status: number, type: string, message: string): Answer => ({
  status,
  headers: {
    'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
    'x-amzn-requestid': '00000000-0000-4000-8000-00000000aaaa',
  },
  body: { message },
});

const ERRORS: Record<string, Answer> = {
  'rate-limit': error(429, 'ThrottlingException', 'Too many requests, please wait before trying again.'),
  'rate-limit-tokens': error(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
  quota: error(
    400,
    'ServiceQuotaExceededException',
    'Your account has reached the quota of tokens per day for this model.',
  ),
  'too-long': error(400, 'ValidationException', 'Input is too long for requested model.'),
  'invalid-key': error(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.'),
  'expired-key': error(403, 'ExpiredTokenException', 'The security token included in the request is expired'),
  'no-permission': error(
    403,
    'AccessDeniedException',
    "You don't have access to the model with the specified model ID.",
  ),
  'no-model': error(400, 'ValidationException', 'The provided model identifier is invalid.'),
  'deprecated-model': error(
    404,
    'ResourceNotFoundException',
    'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
  ),
  'not-ready': error(429, 'ModelNotReadyException', 'The model is not ready yet. Please try again later.'),
  'model-timeout': error(
    408,
    'ModelTimeoutException',
    'The request took too long to process. Processing time exceeded the model timeout length.',
  ),
  'model-error': error(
    424,
    'ModelErrorException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ),
  'server-error': error(
    500,
    'InternalServerException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ),
  overloaded: error(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
};

export function bedrock({ fault, path, body }: Asked): Answer {
  const refused = ERRORS[fault];
  if (refused) return refused;
  const headers = { 'x-amzn-requestid': '00000000-0000-4000-8000-00000000aaaa' };
  if (path.endsWith('/invoke')) {
    const content = [{ type: 'text', text: fault === 'empty' ? '' : 'It is sunny in Paris.' }];
    const usage = { input_tokens: 18, output_tokens: fault === 'empty' ? 0 : 9 };
    return {
      status: 200,
      headers,
      body: { id: 'msg_0001', type: 'message', role: 'assistant', content, stop_reason: 'end_turn', usage },
    };
  }
  const reasons: Record<string, string> = { 'filtered-answer': 'guardrail_intervened', 'out-of-tokens': 'max_tokens' };
  const isEmpty = fault === 'empty' || fault === 'out-of-tokens';
  const text = fault === 'filtered-answer' ? 'Sorry, the model cannot answer this question.' : 'It is sunny in Paris.';
  const tool = body.toolConfig !== undefined && body.messages?.length === 1;
  const content = isEmpty
    ? []
    : tool
      ? [{ toolUse: { toolUseId: 'tooluse_0001', name: 'get_weather', input: { city: 'Paris' } } }]
      : [{ text }];
  const outputTokens = isEmpty ? 0 : 9;
  return {
    status: 200,
    headers,
    body: {
      output: { message: { role: 'assistant', content } },
      stopReason: reasons[fault] ?? (tool ? 'tool_use' : 'end_turn'),
      usage: { inputTokens: 18, outputTokens, totalTokens: 18 + outputTokens },
      metrics: { latencyMs: 312 },
    },
  };
}
