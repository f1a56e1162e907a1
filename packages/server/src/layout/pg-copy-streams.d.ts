// The package ships no types; only this function of it is used here.
declare module 'pg-copy-streams' {
  import type { Readable } from 'node:stream';
  import type { Submittable } from 'pg';

  /** A COPY ... TO STDOUT to give to `client.query`; it reads as what the database sends. */
  export function to(sql: string): Readable & Submittable;
}
