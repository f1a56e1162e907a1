// Sends what is due to the targets. The queue is a table (see alert_deliveries): claimed by a lease, acknowledged by 2xx.
import type pg from 'pg';
import { type Around, type Delivery, requestFor } from './payloads.ts';

export interface Deliverer {
  /** Sends what is due now; resolves with how many were acknowledged. Rejects when the database fails. */
  round(): Promise<number>;
}

const TOGETHER = 10;
const LEASE_S = 60;
/** Well below the lease: two servers must not send the same at a time. */
const ANSWER_WITHIN_MS = 10_000;
const MAX_RETRY_AFTER_S = 3600;

interface Outcome {
  acknowledged: boolean;
  status: number | null;
  error: string | null;
  retryAfter: string | null;
}

export function deliverer(pool: pg.Pool, around: Around): Deliverer {
  // What a receiver acknowledged while the database was away: noted before anything else is claimed, so never sent again.
  const toNote = new Map<string, Outcome>();

  async function note(): Promise<void> {
    for (const [id, { acknowledged, status, error, retryAfter }] of toNote) {
      await pool.query('select beacon.end_delivery($1, $2, $3, $4, $5::interval)', [
        ...[id, acknowledged, status, error, retryAfter],
      ]);
      toNote.delete(id);
    }
  }

  return {
    async round() {
      await note();
      let acknowledged = 0;
      for (;;) {
        const { rows } = await pool.query('select * from beacon.claim_deliveries($1, $2::interval)', [
          TOGETHER,
          `${LEASE_S} seconds`,
        ]);
        await Promise.all(
          (rows as Delivery[]).map(async (delivery) => {
            const outcome = await send(delivery, around);
            toNote.set(delivery.id, outcome);
            if (outcome.acknowledged) acknowledged += 1;
          }),
        );
        await note();
        if (rows.length < TOGETHER) return acknowledged;
      }
    },
  };
}

/** Never rejects. A redirect is not followed: it would lead where no operator pointed to. */
async function send(delivery: Delivery, around: Around): Promise<Outcome> {
  const failed = (error: string, status: number | null = null, retryAfter: string | null = null): Outcome => ({
    ...{ acknowledged: false, status, error, retryAfter },
  });
  try {
    const { url, headers, body } = requestFor(delivery, around);
    const response = await fetch(url, {
      ...{ method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) },
    });
    await response.body?.cancel();
    if (response.ok) return { acknowledged: true, status: response.status, error: null, retryAfter: null };
    const seconds = Number(response.headers.get('retry-after'));
    const wait = seconds > 0 ? `${Math.min(seconds, MAX_RETRY_AFTER_S)} seconds` : null;
    const what =
      response.status >= 300 && response.status < 400 ? 'answered with a redirect, which is not followed' : 'answered';
    return failed(
      `The receiver of target ${delivery.target} ${what} (HTTP ${response.status}).`,
      response.status,
      wait,
    );
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
    if (name === 'TimeoutError') return failed(`The receiver did not answer within ${ANSWER_WITHIN_MS / 1000} s.`);
    // The message of fetch says nothing, and an address may be a secret.
    return failed(
      message === 'fetch failed'
        ? `No connection to the receiver (${cause?.code ?? cause?.message ?? 'no reason given'}).`
        : message,
    );
  }
}
