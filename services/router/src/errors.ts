import { BrokenCircuitError, IsolatedCircuitError } from 'cockatiel';

export interface ProviderAttempt {
  provider: string;
  code: string;
}

/** An error as it crosses HTTP: `{"error": {message, type, code, param}}`. */
export class RouterError extends Error {
  readonly status: number;
  readonly code: string;
  /** Field of the request it is about. */
  readonly param: string | null;
  /** Seconds after which the caller may try again. */
  readonly retryAfter: number | undefined;
  /** Environment variable that is missing, for a configuration_error. */
  readonly missingSetting: string | undefined;
  /** Status the body of an answer with status 200 stands for; undefined for an error that does not hide. */
  hiddenStatus: number | undefined;
  /** What each provider that was asked said; set where several may have been. */
  attempts: ProviderAttempt[] = [];

  constructor(
    status: number,
    code: string,
    message: string,
    more: { param?: string; retryAfter?: number; missingSetting?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'RouterError';
    this.status = status;
    this.code = code;
    this.param = more.param ?? null;
    this.retryAfter = more.retryAfter;
    this.missingSetting = more.missingSetting;
  }

  body() {
    const { message, code, param, attempts } = this;
    const type = this.status < 500 ? 'invalid_request_error' : 'server_error';
    return { error: { message, type, code, param, attempts } };
  }
}

/** The provider's own fault: such errors open its circuit. A request it rightly refused does not. */
export function isProviderFault(error: unknown): boolean {
  return error instanceof RouterError && error.status >= 500 && error.code !== 'configuration_error';
}

/** Whether another provider may do better. A request that is wrong in itself is wrong everywhere. */
export function mayFailOver(error: RouterError): boolean {
  return error.status !== 400 && error.status !== 422 && error.code !== 'caller_gone';
}

/** What a failed call means: network errors, timeouts and an open circuit get the codes that cross HTTP. */
export function asRouterError(error: unknown, provider: string): RouterError {
  if (error instanceof RouterError) return error;
  if (error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError) {
    return new RouterError(503, 'circuit_open', `${provider}: its circuit is open after repeated failures.`);
  }
  const code = networkCode(error);
  const cause = error;
  if (code === 'ECONNREFUSED') {
    return new RouterError(502, 'connection_refused', `${provider}: the connection was refused.`, { cause });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new RouterError(502, 'name_not_resolved', `${provider}: its host name does not resolve.`, { cause });
  }
  if (code === 'timeout' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new RouterError(504, 'timeout', `${provider}: ${(error as Error).message}`, { cause });
  }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    return new RouterError(
      502,
      'connection_reset',
      `${provider}: the connection broke before the answer was complete.`,
      {
        cause,
      },
    );
  }
  return new RouterError(502, 'connection_failed', `${provider}: the call failed (${code ?? 'unknown reason'}).`, {
    cause,
  });
}

/** fetch wraps what happened: the code is on the error, on its cause, or on the first of several causes. */
function networkCode(error: unknown): string | undefined {
  for (let at = error as { code?: unknown; cause?: unknown } | undefined; at; at = at.cause as typeof at) {
    if (typeof at.code === 'string') return at.code;
  }
  return undefined;
}
