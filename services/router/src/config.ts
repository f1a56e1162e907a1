import * as fs from 'node:fs';
import { z } from 'zod';

const provider = z
  .strictObject({
    /** Unique; named in answers, spans and receipts. */
    name: z.string().min(1),
    region: z.string().min(1),
    /** What it speaks. */
    api: z.enum(['openai', 'anthropic', 'gemini']).default('openai'),
    /** Base address, with its path (`https://host/v1`); an OpenAI-compatible one without a path means `/v1`. */
    url: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !/[@?#]/.test(url), { error: 'no credentials or query here; a key goes into apiKeyEnv' })
      .optional(),
    /** Path below `url` instead of `/chat/completions`; `{model}` stands for the model: Azure's deployments. */
    path: z.string().startsWith('/').optional(),
    /** Added to the address, for example `{"api-version": "2024-10-21"}`. */
    query: z.record(z.string(), z.string()).optional(),
    /** Sent with every request. Not the place for a key. */
    headers: z.record(z.string(), z.string()).optional(),
    /** Added to the body of every request: temperature, max_tokens, seed, ... */
    parameters: z.record(z.string(), z.unknown()).optional(),
    /** Models it serves; left out, it is asked for any. */
    models: z.array(z.string().min(1)).min(1).optional(),
    /** What it calls a model, where that is another name. */
    modelNames: z.record(z.string(), z.string().min(1)).optional(),
    /** Name of the environment variable that holds its API key. The key itself never stands in a configuration. */
    apiKeyEnv: z.string().min(1).optional(),
    /** Header that carries the key as it is, for example `api-key`; left out, it is `Authorization: Bearer`. */
    apiKeyHeader: z.string().min(1).optional(),
    /** Header of its answers that names the region that answered; left out, the usual ones are looked at. */
    servedRegionHeader: z.string().min(1).optional(),
    /** Whether answers are asked for as streams. */
    stream: z.boolean().default(true),
    /** Milliseconds until an answer must be complete; PROVIDER_TIMEOUT_MS where left out. */
    timeoutMs: z.int().min(1).optional(),
  })
  .refine(({ api, url }) => api !== 'openai' || url !== undefined, {
    path: ['url'],
    error: 'an OpenAI-compatible provider needs one',
  });

const providers = z.array(provider).superRefine((list, issues) => {
  const twice = list.find((one, index) => list.findIndex(({ name }) => name === one.name) !== index);
  if (twice) issues.addIssue({ code: 'custom', message: `two providers are named ${twice.name}` });
});

const environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8091),
  PROVIDER_TIMEOUT_MS: z.coerce.number().int().min(1).default(30_000),
  /** Failures in a row that open a provider's circuit. */
  CIRCUIT_FAILURES: z.coerce.number().int().min(1).default(5),
  /** How long an open circuit lets nothing through, milliseconds; then one call tries. */
  CIRCUIT_OPEN_MS: z.coerce.number().int().min(1).default(10_000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type ProviderConfig = z.infer<typeof provider>;
export type Config = z.infer<typeof environment> & { providers: ProviderConfig[] };

/**
 * Reads the environment; providers come from PROVIDERS (JSON) or from the file PROVIDERS_FILE names.
 *
 * @throws Error that names the variable, and the field where it is one of a provider's.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = environment.safeParse(env);
  if (!read.success) throw new Error(explain('', read.error));
  return { ...read.data, providers: readProviders(env) };
}

function readProviders(env: NodeJS.ProcessEnv): ProviderConfig[] {
  const from = env.PROVIDERS ? 'PROVIDERS' : 'PROVIDERS_FILE';
  const text = env.PROVIDERS || (env.PROVIDERS_FILE ? fs.readFileSync(env.PROVIDERS_FILE, 'utf8') : '[]');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${from} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  const read = providers.safeParse(json);
  if (!read.success) throw new Error(explain(from, read.error));
  return read.data;
}

function explain(from: string, error: z.ZodError): string {
  const issue = error.issues[0];
  return `${[from, ...(issue?.path ?? [])].filter((part) => part !== '').join('.')}: ${issue?.message}`;
}
