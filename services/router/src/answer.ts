// What a provider's answer says: the text, and where, by what and how it was made.
import { z } from 'zod';
import { RouterError } from './errors.ts';

/** Tokens; null where the provider does not say. */
export interface Usage {
  /** Tokens read, those from a cache included. */
  inputTokens: number | null;
  outputTokens: number | null;
  /** Of the tokens read, those that came from a cache. */
  cachedTokens: number | null;
  /** Of the tokens written, those of reasoning. */
  reasoningTokens: number | null;
}

export interface Answer {
  answer: string;
  /** True where the provider says that no real model ran. */
  simulated: boolean;
  /** Model that answered, as the provider names it. */
  responseModel: string | null;
  /** Why it stopped, in the provider's word. */
  finishReason: string | null;
  /** Region that answered, as the provider says. */
  servedRegion: string | null;
  systemFingerprint: string | null;
  quantisation: string | null;
  usage: Usage;
  /** Milliseconds until the first chunk; null where the answer came whole. */
  firstChunkMs: number | null;
  /** Chunks a second after the first; null where there were fewer than three. */
  chunksPerS: number | null;
}

const tokens = z.number().nullish();
const usageSchema = z.looseObject({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  prompt_tokens_details: z.looseObject({ cached_tokens: tokens }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: tokens }).nullish(),
});

/** What a completion and a chunk of one have in common. */
export const headSchema = z.looseObject({
  model: z.string().nullish(),
  simulated: z.boolean().nullish(),
  system_fingerprint: z.string().nullish(),
  quantization: z.string().nullish(),
  region: z.string().nullish(),
  served_region: z.string().nullish(),
  usage: usageSchema.nullish(),
});

const content = z
  .union([
    z.string(),
    z
      .array(z.looseObject({ type: z.string().optional(), text: z.string().optional() }))
      .transform((parts) => parts.map(({ text }) => text ?? '').join('')),
  ])
  .nullish();

const completion = headSchema.extend({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({ content, refusal: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
});

/** @throws RouterError `malformed_response` 502. */
export function readCompletion(provider: string, json: unknown, servedRegion: string | null): Answer {
  const read = completion.safeParse(json);
  if (!read.success) {
    const issue = read.error.issues[0];
    const message = `${provider}: the body is not a chat completion (${issue?.path.join('.')}: ${issue?.message}).`;
    throw new RouterError(502, 'malformed_response', message);
  }
  const [choice] = read.data.choices;
  const refusal = choice?.message.refusal;
  return {
    ...describe(read.data, servedRegion),
    answer: choice?.message.content || refusal || '',
    finishReason: refusal && !choice?.message.content ? 'refusal' : (choice?.finish_reason ?? null),
    firstChunkMs: null,
    chunksPerS: null,
  };
}

/** What a body says besides the text. */
export function describe(head: z.infer<typeof headSchema>, servedRegion: string | null) {
  const { usage } = head;
  return {
    simulated: head.simulated === true,
    responseModel: head.model ?? null,
    servedRegion: servedRegion ?? head.served_region ?? head.region ?? null,
    systemFingerprint: head.system_fingerprint ?? null,
    quantisation: head.quantization ?? null,
    usage: {
      inputTokens: usage?.prompt_tokens ?? null,
      outputTokens: usage?.completion_tokens ?? null,
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
      reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? null,
    },
  };
}

/** When chunks came, in milliseconds; the caller notes each. */
export class Pace {
  readonly #began = performance.now();
  #first: number | undefined;
  #last = 0;
  #chunks = 0;

  chunk(): void {
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#chunks++;
  }

  read(): Pick<Answer, 'firstChunkMs' | 'chunksPerS'> {
    const first = this.#first;
    if (first === undefined) return { firstChunkMs: null, chunksPerS: null };
    const seconds = (this.#last - first) / 1000;
    return {
      firstChunkMs: round(first - this.#began),
      chunksPerS: this.#chunks > 2 && seconds > 0 ? round((this.#chunks - 1) / seconds) : null,
    };
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const CUT_OR_WITHHELD =
  /length|max_?(?:output_?)?tokens|content.?filter|safety|refus|recitation|prohibited|blocklist|spii/i;

/**
 * An answer without a word is a failure, unless its finish reason explains it: a limit or a filter is an outcome of its own.
 *
 * @throws RouterError `empty_output` 502.
 */
export function notEmpty(provider: string, answer: Answer): Answer {
  if (answer.answer.trim() !== '' || CUT_OR_WITHHELD.test(answer.finishReason ?? '')) return answer;
  throw new RouterError(502, 'empty_output', `${provider}: answered 200 with empty output.`);
}
