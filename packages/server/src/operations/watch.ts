// Spans as they come, by polling: LISTEN would not work through PgBouncer in transaction mode.
import type pg from 'pg';
import { z } from 'zod';
import { explainDatabaseError } from '../store/errors.ts';
import type { Row } from './operation.ts';
import { executionId, jobId, service } from './params.ts';

const STATUSES = ['started', 'completed', 'failed', 'timeout', 'lost'] as const;

export const watchParams = z.strictObject({
  job_id: jobId.optional(),
  execution_id: executionId.optional(),
  service: service.optional(),
  status: z
    .enum(STATUSES)
    .optional()
    .describe(`Status: ${STATUSES.join(', ')}.`),
});

export type WatchParams = z.output<typeof watchParams>;

export interface Change {
  /** `update` when a span that was open has ended. */
  kind: 'new' | 'update';
  span: Row;
}

export interface Poll {
  changes: Change[];
  /** Says in words what a poll could not carry; null when nothing was left out. */
  leftOut: string | null;
}

interface OpenSpan {
  traceId: string;
  spanId: string;
  startedAt: string;
}

// created_at is the start of the writing transaction: a slow one commits behind faster ones, so each poll looks back.
const LOOK_BACK_S = 5;
const MOST_ROWS = 5_000;
const MOST_OPEN = 2_000;

const COLUMNS = `
  s.trace_id, encode(s.span_id, 'hex') as span_id, encode(s.parent_span_id, 'hex') as parent_span_id, s.service,
  s.operation, s.kind, s.status, to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as started_at,
  s.duration_ms, s.execution_id::text, s.job_id, s.model_id, s.region, s.error_type, s.error_message`;

const FILTERS = `
  ($1::text is null or s.job_id = $1) and ($2::bigint is null or s.execution_id = $2)
  and ($3::text is null or s.service = $3)`;

/** Follows trace_spans from the first poll on; each poll tells what is new or has ended since the one before. */
export class Watch {
  readonly #pool: pg.Pool;
  readonly #params: WatchParams;
  /** created_at of the newest row seen, as text: a Date would lose the microseconds. */
  #newest: string | undefined;
  /** Keys of rows inside the look-back, so that none is told twice. */
  #seen = new Set<string>();
  readonly #open = new Map<string, OpenSpan>();
  #unfollowed = 0;

  constructor(pool: pg.Pool, params: WatchParams) {
    this.#pool = pool;
    this.#params = params;
  }

  /**
   * The first poll only takes the position: what is there already is not told. The status is filtered here and not in
   * SQL, because an open span that is not wanted yet may end as one that is.
   *
   * @throws BeaconError when the database fails; the next poll may be tried.
   */
  async poll(): Promise<Poll> {
    try {
      if (this.#newest === undefined) {
        await this.#arrived(await this.#begin());
        return { changes: [], leftOut: null };
      }
      const ended = await this.#ended();
      const { changes, leftOut } = await this.#arrived(this.#newest);
      const wanted = [...ended, ...changes].filter(
        ({ span }) => !this.#params.status || span.status === this.#params.status,
      );
      return { changes: wanted, leftOut: leftOut ?? this.#sayUnfollowed() };
    } catch (error) {
      throw explainDatabaseError(error, this.#pool.options.connectionString ?? '');
    }
  }

  get #filters(): unknown[] {
    const { job_id, execution_id, service: name } = this.#params;
    return [job_id, execution_id, name];
  }

  /** Spans that are open already are followed too, so that their end is seen. */
  async #begin(): Promise<string> {
    const { rows } = await this.#pool.query(
      `select ${COLUMNS} from beacon.trace_spans s where s.status = 'started' and ${FILTERS}
      order by s.started_at desc limit ${MOST_OPEN}`,
      this.#filters,
    );
    for (const row of rows) this.#follow(row);
    const now = await this.#pool.query('select clock_timestamp()::text as now');
    return now.rows[0].now;
  }

  async #ended(): Promise<Change[]> {
    if (this.#open.size === 0) return [];
    const open = [...this.#open.values()];
    const { rows } = await this.#pool.query(
      `select ${COLUMNS}
      from unnest($1::uuid[], $2::text[], $3::timestamptz[]) k (trace_id, span_id, started_at)
      join beacon.trace_spans s
        on s.trace_id = k.trace_id and s.span_id = decode(k.span_id, 'hex') and s.started_at = k.started_at
      where s.status <> 'started' order by s.started_at`,
      [open.map((o) => o.traceId), open.map((o) => o.spanId), open.map((o) => o.startedAt)],
    );
    for (const row of rows) this.#open.delete(keyOf(row));
    return rows.map((span) => ({ kind: 'update', span }));
  }

  async #arrived(newest: string): Promise<Poll> {
    const { rows } = await this.#pool.query(
      `select ${COLUMNS}, greatest(s.created_at, $4::timestamptz)::text as created
      from beacon.trace_spans s
      where s.created_at >= $4::timestamptz - make_interval(secs => $5) and ${FILTERS}
      order by s.created_at desc, s.started_at desc limit ${MOST_ROWS}`,
      [...this.#filters, newest, LOOK_BACK_S],
    );
    const before = this.#seen;
    this.#seen = new Set(rows.map(keyOf));
    const fresh = rows.filter((row) => !before.has(keyOf(row))).reverse();
    this.#newest = rows[0]?.created ?? newest;
    for (const row of fresh) {
      delete row.created;
      if (row.status === 'started') this.#follow(row);
    }
    const leftOut =
      fresh.length === MOST_ROWS
        ? `More than ${MOST_ROWS} spans came at once: the older ones are not shown. Narrow by --job, --execution or --service.`
        : null;
    return { changes: fresh.map((span) => ({ kind: 'new', span })), leftOut };
  }

  #follow(row: Row): void {
    const { trace_id, span_id, started_at } = row as Record<string, string>;
    this.#open.set(keyOf(row), { traceId: trace_id ?? '', spanId: span_id ?? '', startedAt: started_at ?? '' });
    const oldest = this.#open.keys().next().value;
    if (this.#open.size > MOST_OPEN && oldest !== undefined) {
      this.#open.delete(oldest);
      this.#unfollowed += 1;
    }
  }

  /** Told once for each that was given up. */
  #sayUnfollowed(): string | null {
    const given = this.#unfollowed;
    this.#unfollowed = 0;
    return given > 0 ? `More than ${MOST_OPEN} spans are open: the end of ${given} of them will not be shown.` : null;
  }
}

function keyOf(row: Row): string {
  return `${row.trace_id} ${row.span_id} ${row.started_at}`;
}
