// What the assistants of several stacks do, whatever records them: one handler for each failure `<provider>-<scene>`.
export const MODEL = {
  openai: 'gpt-4o',
  anthropic: 'claude-sonnet-4-5',
  bedrock: 'anthropic.claude-3-5-sonnet-20240620-v1:0',
  google: 'gemini-2.0-flash',
};

/** Where a provider is reached; nothing listens at the second one. */
export const urlOf = (host) => (process.env.FAILURE.endsWith('-refused') ? `http://${host}:8089` : `http://${host}`);

/** The options of an SDK's client that the failure asks for. */
export const patience = () => (process.env.FAILURE.endsWith('-timeout') ? { timeout: 1000, maxRetries: 0 } : {});

export const key = ['world', 'key'].join('-');

/**
 * @param calls By provider: `chat()`, and where they are recorded `stream()`, `tool()`, `json()`; each returns a text.
 */
export function assistants(calls) {
  const [provider, ...words] = process.env.FAILURE.split('-');
  const scene = words.join('-');
  const way = scene.startsWith('stream')
    ? 'stream'
    : /tool/.test(scene)
      ? 'tool'
      : scene === 'cut-by-length'
        ? 'json'
        : 'chat';
  const call = calls[provider][way];
  if (!call) throw new Error(`${provider} has no ${way}().`);
  return { [process.env.FAILURE]: async () => ({ text: await call() }) };
}
