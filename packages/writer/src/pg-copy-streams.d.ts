// The package ships no types; only this function of it is used.
declare module 'pg-copy-streams' {
  import type { Writable } from 'node:stream';
  import type { Submittable } from 'pg';

  /** A COPY ... FROM STDIN to give to `client.query`; write the rows' text to it. */
  export function from(sql: string): Writable & Submittable & { readonly rowCount: number };
}
