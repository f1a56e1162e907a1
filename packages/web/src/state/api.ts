// Asks the server. Every question is a query, named and typed as the server names and types it.
import { lost } from './reach.ts';
import type { Rows } from './rows.ts';
import { authorization, refused } from './token.ts';

export type Params = Record<string, string | number | boolean | string[] | null | undefined>;

export interface Answer<R> {
  rows: R[];
  /** Says in words what the limit left out; null when nothing was. */
  truncated: string | null;
  /** To be given back as `after` for the rows that follow; null at the end. */
  next?: string | null;
  database: string;
  schema: string;
  /** The range of time that was looked at. */
  range?: { from: string; to: string | null } | null;
}

/** What the server said when it could not answer, or that it said nothing. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly requestId: string | undefined;

  constructor(given: { status: number; code: string; detail: string; hint: string; request_id?: string }) {
    super(given.detail);
    this.status = given.status;
    this.code = given.code;
    this.hint = given.hint;
    this.requestId = given.request_id;
  }
}

interface Options {
  signal?: AbortSignal;
  /** POST with a JSON body, for what is long or changes something. */
  post?: boolean;
}

/** @throws Problem; an abort is thrown as it is. */
export async function ask<N extends keyof Rows>(
  name: N,
  params: Params = {},
  options: Options = {},
): Promise<Answer<Rows[N]>> {
  return (await call(`/api/v1/${name}`, params, options)) as Answer<Rows[N]>;
}

/** JSON of any address of the server. @throws Problem */
export async function call(
  path: string,
  params: Params = {},
  { signal, post = false }: Options = {},
): Promise<unknown> {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  const response = await send(post || query.length > 6000 ? path : query ? `${path}?${query}` : path, {
    ...(signal && { signal }),
    ...(post || query.length > 6000
      ? {
          method: 'POST',
          body: JSON.stringify(Object.fromEntries(given)),
          headers: { 'content-type': 'application/json' },
        }
      : {}),
  });
  return response.json();
}

/** A request with the token; anything but success is thrown as a {@link Problem}. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  const token = authorization();
  const headers = { accept: 'application/json', ...token, ...init.headers };
  const response = await fetch(url, { ...init, headers }).catch((error: Error) => {
    if (init.signal?.aborted) throw error;
    lost();
    throw new Problem({
      status: 0,
      code: 'unreachable',
      detail: `Beacon does not answer at ${location.origin}.`,
      hint: 'Is `npm start` or `beacon serve` still running? This page continues by itself when it is back.',
    });
  });
  if (response.ok) return response;
  if (response.status === 401) refused(token);
  throw await problemIn(response);
}

async function problemIn(response: Response): Promise<Problem> {
  const given = await response.json().catch(() => ({}));
  return new Problem({
    status: response.status,
    code: given.code ?? 'internal',
    detail: given.detail ?? given.message ?? `The server answered ${response.status}.`,
    hint: given.hint ?? 'Its log says more.',
    request_id: given.request_id,
  });
}
