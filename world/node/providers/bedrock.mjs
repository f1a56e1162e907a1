// Amazon Bedrock's Converse.
const error = (status, type, message) => ({
  status,
  headers: {
    'x-amzn-requestid': '00000000-0000-4000-8000-000000000001',
    'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/`,
  },
  body: { message },
});

const ERRORS = {
  throttled: () => error(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
  'access-denied': () =>
    error(403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
  'invalid-model': () => error(400, 'ValidationException', 'The provided model identifier is invalid.'),
  'too-long': () => error(400, 'ValidationException', 'Input is too long for requested model.'),
  'end-of-life': () =>
    error(
      404,
      'ResourceNotFoundException',
      'This model version has reached the end of its life. Please refer to the AWS documentation for more details.',
    ),
  'token-expired': () => error(403, 'ExpiredTokenException', 'The security token included in the request is expired'),
  'quota-exceeded': () =>
    error(400, 'ServiceQuotaExceededException', 'Your request exceeds the service quota for your account.'),
  unavailable: () => error(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
  'model-timeout': () => error(408, 'ModelTimeoutException', 'The model took too long to respond.'),
  'model-error': () =>
    error(
      424,
      'ModelErrorException',
      'The system encountered an unexpected error during processing. Try your request again.',
    ),
  'model-not-ready': () => error(429, 'ModelNotReadyException', 'The model is not ready to serve inference requests.'),
};

export function bedrock({ scene }) {
  if (ERRORS[scene]) return ERRORS[scene]();
  const content = [{ text: 'Parcels arrive within three days.' }];
  let stopReason = 'end_turn';
  if (scene === 'guardrail')
    [content[0].text, stopReason] = ['Sorry, the model cannot answer this question.', 'guardrail_intervened'];
  return {
    body: {
      output: { message: { role: 'assistant', content } },
      stopReason,
      usage: { inputTokens: 21, outputTokens: 9, totalTokens: 30 },
      metrics: { latencyMs: 40 },
    },
  };
}
