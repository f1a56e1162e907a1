// Any OpenAI-compatible endpoint: chat completions, streamed where the other side can.
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { type Answer, describe, headSchema, Pace, readCompletion } from './answer.ts';
import type { ProviderConfig } from './config.ts';
import { RouterError } from './errors.ts';
import type { Call } from './provider.ts';
import { hiddenRefusal, parsed, readRefusal } from './refusal.ts';

/** Headers in which providers and gateways name the region that answered. */
const REGION_HEADERS = ['x-served-region', 'x-ms-region', 'x-inference-region', 'x-serving-region', 'x-region'];

const chunk = headSchema.extend({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
});

/** Speaks to one endpoint; remembers when it does not stream. */
export function openAiClient(config: ProviderConfig): (call: Call) => Promise<Answer> {
  let streams = config.stream;
  return async (call) => {
    const response = await post(config, call, streams);
    if (response.status === 400 && streams) {
      const text = await response.text();
      // Some servers know no streams, or not the option that asks for the usage at their end.
      if (!/stream/i.test(text)) throw refusalOf(config, response, text, call.secret);
      streams = false;
      return read(config, await post(config, call, false), call);
    }
    return read(config, response, call);
  };
}

/** Where chat completions of a model are asked for. */
export function endpointOf({ url, path, query }: ProviderConfig, model: string): string {
  const address = new URL(url ?? '');
  const base = address.pathname.replace(/\/$/, '');
  if (path) address.pathname = base + path.replaceAll('{model}', encodeURIComponent(model));
  else address.pathname = `${base === '' ? '/v1' : base}/chat/completions`;
  for (const [name, value] of Object.entries(query ?? {})) address.searchParams.set(name, value);
  return address.href;
}

function post(config: ProviderConfig, { model, messages, secret, signal }: Call, stream: boolean): Promise<Response> {
  const name = config.modelNames?.[model] ?? model;
  const key =
    secret && (config.apiKeyHeader ? { [config.apiKeyHeader]: secret } : { authorization: `Bearer ${secret}` });
  return fetch(endpointOf(config, name), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...config.headers, ...key },
    body: JSON.stringify({
      ...config.parameters,
      model: name,
      messages,
      ...(stream && { stream: true, stream_options: { include_usage: true } }),
    }),
    signal,
    redirect: 'error',
  });
}

async function read(config: ProviderConfig, response: Response, { secret }: Call): Promise<Answer> {
  const { name } = config;
  if (response.status !== 200) throw refusalOf(config, response, await response.text(), secret);
  const served = regionOf(config, response);
  const failure = (json: unknown) => hiddenRefusal(name, json, response.headers.get('retry-after'), secret);
  if (/^text\/event-stream\b/.test(response.headers.get('content-type') ?? '') && response.body) {
    return readStream(name, response.body, served, failure);
  }
  const text = await response.text();
  const json = parsed(text);
  if (json === undefined) {
    const message = `${name}: the body is not valid JSON (${text.length} characters).`;
    throw new RouterError(502, 'malformed_response', message);
  }
  const error = failure(json);
  if (error) throw error;
  return readCompletion(name, json, served);
}

async function readStream(
  provider: string,
  body: ReadableStream<Uint8Array>,
  servedRegion: string | null,
  failure: (json: unknown) => RouterError | undefined,
): Promise<Answer> {
  const pace = new Pace();
  const pieces: string[] = [];
  let head: z.infer<typeof headSchema> = {};
  let finishReason: string | null = null;
  let isDone = false;
  let error: RouterError | undefined;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (error || isDone) return;
      if (data.trim() === '[DONE]') {
        isDone = true;
        return;
      }
      const json = parsed(data);
      error = failure(json);
      const part = chunk.safeParse(json);
      if (!part.success) {
        error ??= new RouterError(
          502,
          'malformed_response',
          `${provider}: an event of the stream is no chunk of a chat completion.`,
        );
        return;
      }
      const { choices, ...more } = part.data;
      // The last chunk with the usage has no fingerprint with some, and empty fields with others.
      head = {
        ...head,
        ...Object.fromEntries(Object.entries(more).filter(([, value]) => value != null && value !== '')),
      };
      const [choice] = choices ?? [];
      const text = choice?.delta?.content || choice?.delta?.refusal;
      if (text) {
        pace.chunk();
        pieces.push(text);
      }
      if (choice?.delta?.refusal) finishReason = 'refusal';
      finishReason ??= choice?.finish_reason ?? null;
    },
  });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    if (error) throw error;
  }
  parser.feed('\n\n');
  if (error) throw error;
  if (!isDone && finishReason === null) {
    const message = `${provider}: the stream broke off before the answer was complete.`;
    throw new RouterError(502, 'connection_reset', message);
  }
  return { ...describe(head, servedRegion), answer: pieces.join(''), finishReason, ...pace.read() };
}

function regionOf({ servedRegionHeader }: ProviderConfig, { headers }: Response): string | null {
  const named = servedRegionHeader ? [servedRegionHeader] : REGION_HEADERS;
  for (const header of named) if (headers.get(header)) return headers.get(header);
  return null;
}

function refusalOf({ name }: ProviderConfig, { status, headers }: Response, text: string, secret: string | undefined) {
  return readRefusal(name, { status, retryAfter: headers.get('retry-after'), text }, secret);
}
