/** A request that is refused; `field` names what is wrong with it. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;

  constructor(status: number, code: string, message: string, field: string | null = null) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.code = code;
    this.field = field;
  }

  body() {
    const type = this.status < 500 ? 'invalid_request_error' : 'server_error';
    return { error: { message: this.message, type, code: this.code, field: this.field } };
  }
}

/** Why an attempt failed. */
export class AttemptError extends Error {
  /** One of the codes that cross HTTP, for example `rate_limit_exceeded`. */
  readonly code: string;
  /** Whether another attempt may go better. */
  readonly transient: boolean;
  /** Milliseconds the other side asked to wait. */
  readonly retryAfterMs: number;
  /** Environment variable that is missing, for a configuration_error. */
  readonly missingSetting: string | undefined;

  constructor(
    code: string,
    message: string,
    more: { transient?: boolean; retryAfterMs?: number; missingSetting?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'AttemptError';
    this.code = code;
    this.transient = more.transient ?? false;
    this.retryAfterMs = more.retryAfterMs ?? 0;
    this.missingSetting = more.missingSetting;
  }
}
