// One provider: its circuit, its timeout, its record of the last calls.
import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { type Answer, notEmpty } from './answer.ts';
import { anthropicClient } from './anthropic.ts';
import type { ProviderConfig } from './config.ts';
import { asRouterError, isProviderFault, RouterError } from './errors.ts';
import { geminiClient } from './gemini.ts';
import { endpointOf, openAiClient } from './openai.ts';

export interface Message {
  role: string;
  content: string;
}

/** One question to one provider. */
export interface Call {
  model: string;
  messages: readonly Message[];
  /** The API key; undefined where it needs none. */
  secret: string | undefined;
  /** Aborted when the time is up or the caller has gone. */
  signal: AbortSignal;
}

const CLIENTS = { openai: openAiClient, anthropic: anthropicClient, gemini: geminiClient };

export interface ProviderOptions {
  config: ProviderConfig;
  timeoutMs: number;
  circuitFailures: number;
  circuitOpenMs: number;
  /** Looks up the API key; the value goes into one header and nowhere else. */
  env: NodeJS.ProcessEnv;
}

export type Circuit = 'closed' | 'open' | 'half-open';

export class Provider {
  readonly config: ProviderConfig;
  readonly #options: ProviderOptions;
  readonly #client: (call: Call) => Promise<Answer>;
  readonly #breaker: CircuitBreakerPolicy;
  #openedAt = 0;
  #calls = 0;
  #failures = 0;
  #lastError: { code: string; message: string; at: string } | null = null;
  #lastSuccessAt: string | null = null;

  constructor(options: ProviderOptions) {
    this.config = options.config;
    this.#options = options;
    this.#client = CLIENTS[options.config.api](options.config);
    this.#breaker = circuitBreaker(handleWhen(isProviderFault), {
      breaker: new ConsecutiveBreaker(options.circuitFailures),
      halfOpenAfter: options.circuitOpenMs,
    });
    this.#breaker.onBreak(() => {
      this.#openedAt = Date.now();
    });
  }

  /** `half-open` as soon as a call would be let through again to try. */
  circuit(): Circuit {
    const { state } = this.#breaker;
    if (state === CircuitState.Closed) return 'closed';
    if (state === CircuitState.HalfOpen) return 'half-open';
    return Date.now() - this.#openedAt >= this.#options.circuitOpenMs ? 'half-open' : 'open';
  }

  serves(model: string): boolean {
    return this.config.models?.includes(model) ?? true;
  }

  /**
   * Asks the provider once.
   *
   * @param gone aborted when the caller has gone away.
   * @throws RouterError always, whatever went wrong.
   */
  async ask(model: string, messages: readonly Message[], gone: AbortSignal): Promise<Answer> {
    this.#calls++;
    try {
      const answer = await this.#breaker.execute(() => this.#request(model, messages, gone));
      this.#lastSuccessAt = new Date().toISOString();
      return answer;
    } catch (error) {
      const known = asRouterError(error, this.config.name);
      this.#failures++;
      this.#lastError = { code: known.code, message: known.message, at: new Date().toISOString() };
      throw known;
    }
  }

  /** For GET /providers. */
  status() {
    const { name, region, models } = this.config;
    const circuit = this.circuit();
    return {
      name,
      region,
      api: this.config.api,
      url: this.config.api === 'openai' ? endpointOf(this.config, '{model}') : (this.config.url ?? null),
      models: models ?? null,
      healthy: circuit !== 'open',
      circuit,
      calls: this.#calls,
      failures: this.#failures,
      lastSuccessAt: this.#lastSuccessAt,
      lastError: this.#lastError,
    };
  }

  async #request(model: string, messages: readonly Message[], gone: AbortSignal): Promise<Answer> {
    const { name } = this.config;
    const secret = this.#secret();
    const deadline = new AbortController();
    // A reason of our own: fetch would otherwise report an abort, which tracing does not count as an error.
    const timer = setTimeout(() => deadline.abort(timeoutError(this.#options.timeoutMs)), this.#options.timeoutMs);
    try {
      const signal = AbortSignal.any([deadline.signal, gone]);
      return notEmpty(name, await this.#client({ model, messages, secret, signal }));
    } catch (error) {
      if (gone.aborted) throw callerGone();
      throw asRouterError(deadline.signal.aborted ? deadline.signal.reason : error, name);
    } finally {
      clearTimeout(timer);
    }
  }

  #secret(): string | undefined {
    const variable = this.config.apiKeyEnv;
    if (variable === undefined) return undefined;
    const secret = this.#options.env[variable];
    if (secret) return secret;
    throw new RouterError(
      500,
      'configuration_error',
      `${variable} is not set: the router has no API key for ${this.config.name}.`,
      { missingSetting: variable },
    );
  }
}

function timeoutError(ms: number): Error {
  const error = new Error(`no complete answer within ${ms} ms.`);
  return Object.assign(error, { name: 'TimeoutError', code: 'timeout' });
}

function callerGone(): RouterError {
  return new RouterError(499, 'caller_gone', 'The caller closed the connection before the answer was there.');
}
