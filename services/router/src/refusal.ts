// What it means when a provider does not answer: by the status, or by a body that is an error under a status of 200.
import { RouterError } from './errors.ts';

const CODE_BY_STATUS: Record<number, string> = {
  401: 'invalid_api_key',
  403: 'invalid_api_key',
  404: 'model_not_found',
  408: 'timeout',
  429: 'rate_limit_exceeded',
  504: 'timeout',
  529: 'overloaded',
};

export interface Refused {
  status: number;
  /** Value of the header Retry-After; null for none. */
  retryAfter: string | null;
  /** The body. */
  text: string;
}

/**
 * The error a status other than 200 stands for. Providers differ in their codes (vLLM sends numbers, Ollama null), so the
 * status decides; running out of memory is distinguished from other failures by its message.
 *
 * @param secret never repeated, should the provider have quoted it.
 */
export function readRefusal(
  provider: string,
  { status, retryAfter, text }: Refused,
  secret: string | undefined,
): RouterError {
  const said = errorIn(parsed(text));
  return refusal(provider, status, `answered ${status}`, said, retryAfter, secret);
}

/**
 * The error in a body that came with status 200, as gateways send it that swallow the status of what they called; undefined
 * where the body is none.
 */
export function hiddenRefusal(
  provider: string,
  json: unknown,
  retryAfter: string | null,
  secret: string | undefined,
): RouterError | undefined {
  if (json === null || typeof json !== 'object' || 'choices' in json) return undefined;
  const said = errorIn(json);
  if (said === undefined) return undefined;
  const status = said.status ?? 502;
  const error = refusal(
    provider,
    status,
    `answered 200, and its body is an error (${status})`,
    said,
    retryAfter,
    secret,
  );
  return Object.assign(error, { hiddenStatus: status });
}

function refusal(
  provider: string,
  status: number,
  what: string,
  said: Said | undefined,
  retryAfter: string | null,
  secret: string | undefined,
): RouterError {
  const text = said?.message ?? '';
  const outOfMemory = status >= 500 && (said?.code === 'out_of_memory' || /out of (?:\w+ )?memory/i.test(text));
  const code = outOfMemory
    ? 'out_of_memory'
    : (CODE_BY_STATUS[status] ?? (status >= 500 ? 'internal_error' : 'invalid_request'));
  const seconds = Number(retryAfter ?? Number.NaN);
  return new RouterError(
    status >= 400 ? status : 502,
    code,
    `${provider}: ${what}${text && `: ${redact(text, secret)}`}`,
    {
      ...(Number.isFinite(seconds) && { retryAfter: seconds }),
    },
  );
}

interface Said {
  message: string;
  code: unknown;
  /** HTTP status the body itself names, or its words stand for; undefined where they stand for none. */
  status: number | undefined;
}

/** OpenAI, Anthropic and Google put an object under `error`; gateways a text, a list, or fields at the top. */
function errorIn(json: unknown): Said | undefined {
  if (Array.isArray(json)) return errorIn(json[0]);
  if (json === null || typeof json !== 'object') return undefined;
  const top = json as Record<string, unknown>;
  const inner = top.error ?? (Array.isArray(top.errors) ? top.errors[0] : top.errors) ?? top.fault;
  if (typeof inner === 'string') return said(inner, [top.code, top.status, top.status_code, inner]);
  if (inner !== null && typeof inner === 'object') {
    const { message, code, type, status, msg, detail } = inner as Record<string, unknown>;
    const text = [message, msg, detail].find((each) => typeof each === 'string') as string | undefined;
    return { ...said(text ?? '', [code, status, top.status, top.code, type, text]), code };
  }
  const text = [top.message, top.detail, top.msg].find((each) => typeof each === 'string') as string | undefined;
  const found = said(text ?? '', [top.status, top.code, top.status_code, top.statusCode, top.type]);
  return text !== undefined && found.status !== undefined ? found : undefined;
}

const WORDS: readonly [RegExp, number][] = [
  [/rate.?limit|too.?many.?requests|quota|throttl|resource.?exhausted/i, 429],
  [/overloaded/i, 529],
  [/unavailable|no.?capacity/i, 503],
  [/time.?d?.?out|deadline/i, 504],
  [/api.?key|unauthori[sz]ed|authentication/i, 401],
  [/permission|forbidden/i, 403],
  [/not.?found/i, 404],
  [/invalid|bad.?request|unsupported/i, 400],
];

/** @param signs what may name a status, the surest first. */
function said(message: string, signs: unknown[]): Said {
  const number = signs.map(Number).find((each) => Number.isInteger(each) && each >= 400 && each < 600);
  const words = signs.filter((each) => typeof each === 'string');
  const meant = words.flatMap((word) => WORDS.find(([pattern]) => pattern.test(word))?.[1] ?? []);
  return { message, code: signs[0], status: number ?? meant[0] };
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Some providers quote the key they refuse, in full or in part. */
function redact(message: string, secret: string | undefined): string {
  const clean = secret ? message.replaceAll(secret, '[key]') : message;
  return clean.replace(/\b(?:sk|key|hf|gsk)[-_][\w*-]{4,}/gi, '[key]').slice(0, 300);
}
