// Spans as they are committed, for any number of listeners: one statement a round, whoever listens. Why polling and not
// LISTEN is in ARCHITECTURE.md.
import type pg from 'pg';
import type { BeaconError } from '../store/errors.ts';
import type { Term } from './filter.ts';
import { Bindings, filterSql } from './filter-sql.ts';
import type { Row } from './operation.ts';
import { readOnly } from './run.ts';
import { SHAPES, shapeRow } from './shape.ts';

export interface Batch {
  /** Columns as the operation `spans` has them; a span that was open comes again when it has ended. */
  rows: Row[];
  /** Spans that matched and are not in `rows`, about: those that came first. */
  skipped: number;
  /** Where to go on after this batch, for {@link Tail.since}. */
  position: string;
}

export interface TailOptions {
  /** Pause between two rounds, milliseconds. Default 1,000. */
  intervalMs?: number;
  /** Rows of a round at most. Default 5,000. */
  most?: number;
}

type Listener = (batch: Batch | BeaconError) => void;

/** Listeners with the same filter share the rows that match it. */
interface Channel {
  terms: readonly Term[];
  listeners: Set<Listener>;
  /** Rows inside the look-back, so that none is told twice; undefined until the first round. */
  seen: Set<string> | undefined;
}

// created_at is the start of the writing transaction: a slow one commits behind faster ones, so each round looks back.
const LOOK_BACK_S = 5;
const FURTHEST_BACK_S = 3_600;
const INTERVAL_MS = 1_000;
const MOST_ROWS = 5_000;
const MOST_OPEN = 2_000;
const STATEMENT_TIMEOUT_MS = 10_000;

const COLUMNS = `s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at,
  s.completed_at, s.duration_ms, s.execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message`;
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** Follows trace_spans while somebody listens, and rests otherwise. */
export class Tail {
  readonly #pool: pg.Pool;
  readonly #intervalMs: number;
  readonly #most: number;
  readonly #channels = new Map<string, Channel>();
  readonly #open = new Map<string, Row>();
  #position: string | undefined;
  #floor: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The round under way; those that come meanwhile wait for it. */
  #round: Promise<void> = Promise.resolve();

  constructor(pool: pg.Pool, options: TailOptions = {}) {
    this.#pool = pool;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#most = options.most ?? MOST_ROWS;
  }

  /** How many listen. */
  get listeners(): number {
    let sum = 0;
    for (const { listeners } of this.#channels.values()) sum += listeners.size;
    return sum;
  }

  /**
   * Tells what is committed from now on; a failing round is told as an error, and the next one is tried.
   *
   * @returns a function that ends it.
   * @throws BeaconError when the database fails at once.
   */
  async listen(terms: readonly Term[], listener: Listener): Promise<() => void> {
    const key = JSON.stringify(terms);
    const channel = this.#channels.get(key) ?? { terms, listeners: new Set(), seen: undefined };
    this.#channels.set(key, channel);
    channel.listeners.add(listener);
    const end = () => {
      channel.listeners.delete(listener);
      if (channel.listeners.size === 0) this.#channels.delete(key);
      if (this.#channels.size === 0) this.#rest();
    };
    try {
      // What is there already is not told: the first round of a channel only takes its position.
      if (channel.seen === undefined) await this.#next(true);
    } catch (error) {
      end();
      throw error;
    }
    this.#timer ??= setInterval(() => void this.#next(false), this.#intervalMs);
    return end;
  }

  /**
   * What was committed since a position of before. It may tell again what was told in the five seconds before that.
   *
   * @param position As in a {@link Batch}; ISO 8601.
   */
  async since(terms: readonly Term[], position: string): Promise<Batch> {
    const bind = new Bindings([position, LOOK_BACK_S, FURTHEST_BACK_S]);
    const rows = await this.#ask(
      `select ${COLUMNS}, to_char(s.created_at, ${TIME}) as _created, count(*) over () as _total
      from beacon.trace_spans s
      where s.created_at >= greatest($1::timestamptz - make_interval(secs => $2), clock_timestamp() - make_interval(secs => $3))
        and (${filterSql(terms, bind)})
      order by s.created_at desc, s.started_at desc limit ${this.#most}`,
      bind.values,
    );
    const skipped = Number(rows[0]?._total ?? 0) - rows.length;
    return { rows: rows.reverse().map(shown), skipped, position: String(rows.at(-1)?._created ?? position) };
  }

  /** Ends all of it. */
  stop(): void {
    this.#channels.clear();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#position = undefined;
    this.#floor = undefined;
    this.#open.clear();
  }

  /** One round after the other. */
  #next(loud: boolean): Promise<void> {
    const round = this.#round.then(() => this.#once());
    this.#round = round.catch((error) => {
      if (!loud) for (const channel of this.#channels.values()) tell(channel, error);
    });
    return loud ? round : this.#round;
  }

  async #once(): Promise<void> {
    const channels = [...this.#channels.values()];
    if (channels.length === 0) return;
    this.#position ??= await this.#begin();
    const ended = await this.#ended(channels);
    const { rows, total } = await this.#arrived(channels, this.#position);
    const newest = rows.at(-1)?._created ?? this.#position;
    // What a round could not carry is given up and counted once: the next one does not look behind it.
    const floor = rows.length === this.#most ? String(rows[0]?._created) : undefined;
    channels.forEach((channel, i) => {
      const mine = rows.filter((row) => matches(row)[i]);
      const { seen } = channel;
      channel.seen = new Set(mine.map(keyOf));
      if (seen === undefined) return;
      const fresh = mine.filter((row) => !seen.has(keyOf(row)));
      const known = [...seen].filter((key) => !channel.seen?.has(key)).length;
      const skipped = floor === undefined ? 0 : Math.max(0, (total[i] ?? 0) - mine.length - known);
      const told = [...ended.filter((row) => matches(row)[i]), ...fresh].map(shown);
      if (told.length > 0 || skipped > 0) tell(channel, { rows: told, skipped, position: String(newest) });
    });
    this.#position = String(newest);
    this.#floor = floor;
  }

  /** Spans that are open already are followed too, so that their end is told. */
  async #begin(): Promise<string> {
    const rows = await this.#ask(
      `select ${COLUMNS}, to_char(clock_timestamp(), ${TIME}) as _now
      from (select) one left join lateral (
        select * from beacon.trace_spans o where o.status = 'started' and o.started_at > clock_timestamp() - interval '1 day'
        order by o.started_at desc limit ${MOST_OPEN}) s on true`,
      [],
    );
    for (const row of rows) if (row.span_id !== null) this.#follow(row);
    return String(rows[0]?._now);
  }

  async #ended(channels: Channel[]): Promise<Row[]> {
    if (this.#open.size === 0) return [];
    const open = [...this.#open.values()];
    const bind = new Bindings([
      open.map((row) => row.trace_id),
      open.map((row) => row.span_id),
      open.map((row) => row.started_at),
    ]);
    const rows = await this.#ask(
      `select ${COLUMNS}, ${matchesSql(channels, bind)} as _matches
      from unnest($1::uuid[], $2::text[], $3::timestamptz[]) k (trace_id, span_id, started_at)
      join beacon.trace_spans s
        on s.trace_id = k.trace_id and s.span_id = decode(k.span_id, 'hex') and s.started_at = k.started_at
      where s.status <> 'started' order by s.started_at`,
      bind.values,
    );
    for (const row of rows) this.#open.delete(keyOf(row));
    return rows;
  }

  /** Rows of the look-back, the oldest first, and how many there are for each channel. */
  async #arrived(channels: Channel[], position: string): Promise<{ rows: Row[]; total: number[] }> {
    const bind = new Bindings([position, LOOK_BACK_S, this.#floor ?? null]);
    const totals = channels.map((_, i) => `count(*) filter (where _matches[${i + 1}]) over ()`);
    const rows = await this.#ask(
      `select m.*, array[${totals.join(', ')}] as _total
      from (
        select ${COLUMNS}, s.created_at, to_char(greatest(s.created_at, $1::timestamptz), ${TIME}) as _created,
          ${matchesSql(channels, bind)} as _matches
        from beacon.trace_spans s
        where s.created_at >= greatest($1::timestamptz - make_interval(secs => $2), $3::timestamptz)) m
      where true = any(_matches) or status = 'started'
      order by created_at desc, started_at desc limit ${this.#most}`,
      bind.values,
    );
    for (const row of rows) if (row.status === 'started') this.#follow(row);
    const total = ((rows[0]?._total as string[] | undefined) ?? []).map(Number);
    return { rows: rows.reverse(), total };
  }

  #follow(row: Row): void {
    if (this.#open.size < MOST_OPEN) this.#open.set(keyOf(row), row);
  }

  #ask(text: string, values: unknown[]): Promise<Row[]> {
    return readOnly(this.#pool, { statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async ({ client }) => {
      const { rows, fields } = await client.query({ text, values, types: SHAPES });
      return rows.map((row) => shapeRow(row, fields));
    });
  }
}

function tell(channel: Channel, what: Batch | BeaconError): void {
  for (const listener of channel.listeners) listener(what);
}

/** Which channels want the row, as an array of truth values. */
function matchesSql(channels: readonly Channel[], bind: Bindings): string {
  return `array[${channels.map(({ terms }) => `coalesce((${filterSql(terms, bind)}), false)`).join(', ')}]`;
}

function matches(row: Row): boolean[] {
  return row._matches as boolean[];
}

/** Without what is there for the tail only. */
function shown(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_') && name !== 'created_at'));
}

function keyOf(row: Row): string {
  return `${row.trace_id} ${row.span_id} ${row.started_at}`;
}
