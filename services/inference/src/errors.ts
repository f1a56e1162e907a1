/** An error in OpenAI's shape: `{"error": {message, type, code, param}}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  /** Field of the request it is about. */
  readonly param: string | null;
  /** Seconds after which the caller may try again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { type?: string; param?: string; retryAfter?: number } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.type = more.type ?? (status < 500 ? 'invalid_request_error' : 'server_error');
    this.param = more.param ?? null;
    this.retryAfter = more.retryAfter;
  }

  body() {
    return { error: { message: this.message, type: this.type, code: this.code, param: this.param } };
  }
}
