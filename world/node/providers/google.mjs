// Google's generateContent.
const error = (code, status, message, details = []) => ({
  status: code,
  body: { error: { code, message, status, details } },
});

const ERRORS = {
  'rate-limited': () =>
    error(
      429,
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota, please check your plan and billing details. ' +
        '* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_requests, limit: 10',
      [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '20s' }],
    ),
  'invalid-key': () =>
    error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
    ]),
  'model-not-found': () =>
    error(
      404,
      'NOT_FOUND',
      'models/gemini-1.0-pro is not found for API version v1beta, or is not supported for generateContent.',
    ),
  overloaded: () => error(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  'location-not-supported': () => error(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
};

export function google({ scene, body: _body }) {
  if (ERRORS[scene]) return ERRORS[scene]();
  const candidate = {
    content: { role: 'model', parts: [{ text: 'Parcels arrive within three days.' }] },
    finishReason: 'STOP',
    index: 0,
  };
  if (scene === 'safety') Object.assign(candidate, { content: { role: 'model', parts: [] }, finishReason: 'SAFETY' });
  return {
    body: {
      candidates: [candidate],
      usageMetadata: { promptTokenCount: 21, candidatesTokenCount: scene === 'safety' ? 0 : 9, totalTokenCount: 30 },
      modelVersion: 'gemini-2.0-flash',
    },
  };
}
