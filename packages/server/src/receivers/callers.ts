// Who calls a port that takes spans: by name of this machine only while it is not shared, never a web page that was not named,
// and not more often than its share.
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from './answer.ts';

export interface CallersOptions {
  /** Host names under which requests may be addressed; undefined for any. */
  hosts?: ReadonlySet<string> | undefined;
  /** Origins of web pages that may send. Default: none. */
  origins?: readonly string[] | undefined;
  /** Requests a minute from one address; 0 for any number. Default 0. */
  requestsPerMinute?: number | undefined;
}

const MINUTE_MS = 60_000;
/** Wrong tokens a minute from one address. */
const WRONG_TOKENS = 30;
/** Addresses that are counted; past it, counting begins anew. */
const MAX_ADDRESSES = 10_000;

interface Seen {
  since: number;
  requests: number;
  wrong: number;
}

export class Callers {
  readonly #options: CallersOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /**
   * @param host As in Host, or in the :authority of HTTP/2.
   * @throws Refusal when the request may not come in.
   */
  check(address: string, host: string, headers: IncomingHttpHeaders): void {
    const { hosts, requestsPerMinute = 0 } = this.#options;
    const name = host.replace(/:\d+$/, '').toLowerCase();
    if (hosts && !hosts.has(name)) {
      throw new Refusal(
        'FORBIDDEN',
        'foreign_host',
        `requests to the host "${name.slice(0, 200)}" are not answered here; use 127.0.0.1 or localhost`,
      );
    }
    const { origin } = headers;
    if (origin !== undefined && !this.allows(origin)) {
      throw new Refusal(
        'FORBIDDEN',
        'foreign_origin',
        `the web page ${origin.slice(0, 200)} may not send here; BEACON_CORS_ORIGINS names the pages that may`,
      );
    }
    const seen = this.#of(address);
    seen.requests++;
    if ((requestsPerMinute > 0 && seen.requests > requestsPerMinute) || seen.wrong > WRONG_TOKENS) {
      const wait = seen.since + MINUTE_MS - performance.now();
      throw new Refusal(
        'RESOURCE_EXHAUSTED',
        'too_many_requests',
        'too many requests from this address in a minute',
        Math.max(1_000, wait),
      );
    }
  }

  allows(origin: string): boolean {
    return this.#options.origins?.includes(origin) === true;
  }

  /** A wrong token came from there. */
  wrongToken(address: string): void {
    this.#of(address).wrong++;
  }

  #of(address: string): Seen {
    const now = performance.now();
    let seen = this.#seen.get(address);
    if (seen === undefined || now - seen.since > MINUTE_MS) {
      if (this.#seen.size >= MAX_ADDRESSES) this.#seen.clear();
      seen = { since: now, requests: 0, wrong: 0 };
      this.#seen.set(address, seen);
    }
    return seen;
  }
}
