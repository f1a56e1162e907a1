// Which requests a receiver lets in: while it listens on loopback, only those addressed to this machine's own names; no web
// page whose origin is not listed; at most so many a minute from one address.
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from './answer.ts';

export interface AdmissionOptions {
  /** Host names a request may be addressed to; undefined for any. */
  hosts?: ReadonlySet<string> | undefined;
  /** Origins of web pages that may send. Default: none. */
  origins?: readonly string[] | undefined;
  /** Requests a minute from one address; 0 for any number. Default 0. */
  requestsPerMinute?: number | undefined;
}

const MINUTE_MS = 60_000;
/** After more wrong tokens than this, an address is refused until its minute is over. */
const MAX_WRONG_TOKENS = 30;
/** Addresses remembered at once; when one more comes, all counts, wrong tokens too, are forgotten. */
const MAX_ADDRESSES = 10_000;

interface Seen {
  since: number;
  requests: number;
  wrong: number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * @param host Value of the Host header, or of HTTP/2's :authority.
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
    const isGuessing = seen.wrong > MAX_WRONG_TOKENS;
    if (isGuessing || (requestsPerMinute > 0 && seen.requests > requestsPerMinute)) {
      const wait = seen.since + MINUTE_MS - performance.now();
      throw new Refusal(
        'RESOURCE_EXHAUSTED',
        'too_many_requests',
        `too many ${isGuessing ? 'wrong tokens' : 'requests'} from this address in a minute`,
        Math.max(1_000, wait),
      );
    }
  }

  allows(origin: string): boolean {
    return this.#options.origins?.includes(origin) === true;
  }

  /** Counts a wrong token from this address. */
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
