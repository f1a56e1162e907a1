// Spans as they are committed, for any number of listeners: one statement a round, however many listen. Why polling and not
// LISTEN is in docs/inside.md.
import type pg from 'pg';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import { executionSql } from '../queries/columns.ts';
import { readOnly } from '../queries/run.ts';
import type { BeaconError } from '../store/errors.ts';
import type { Row } from '../store/values.ts';
import { rowValues, VALUE_TYPES } from '../store/values.ts';

export interface Batch {
  /** New spans; columns as the operation `spans` has them. */
  fresh: Row[];
  /** Spans that were open, and have ended now. */
  ended: Row[];
  /** Spans that matched and are not here, about: those that came first. */
  skipped: number;
  /** What else is not here, in words; null when there is nothing to say. */
  note: string | null;
  /** Where to go on after this batch, for {@link Tail.since}. */
  position: string;
}

export interface TailOptions {
  /** Pause between two rounds, milliseconds. Default 1,000. */
  intervalMs?: number;
  /** Rows of a round at most. Default 5,000. */
  max?: number;
}

interface Place {
  /** created_at of the newest row seen. */
  position: string;
  /** Up to here was given up, because there was too much of it. */
  floor: string | null;
  /** Spans whose end has not been sent yet. */
  open: Map<string, Row>;
  /** Open spans that were too many to be followed, and are not said yet. */
  unfollowed: number;
}

type Listener = (batch: Batch | BeaconError) => void;

/** Listeners with the same filter share the rows that match it. */
interface Channel {
  terms: readonly Term[];
  listeners: Set<Listener>;
  /** Rows inside the look-back, so that none is sent twice; undefined until the first round. */
  seen: Set<string> | undefined;
}

// created_at is the start of the writing transaction: a slow one commits after faster ones, so each round looks back.
const LOOK_BACK_S = 5;
const FURTHEST_BACK_S = 3_600;
const INTERVAL_MS = 1_000;
const MAX_ROWS = 5_000;
const MAX_OPEN = 2_000;
const STATEMENT_TIMEOUT_MS = 10_000;

const COLUMNS = `s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at,
  s.completed_at, s.duration_ms, ${executionSql('s.execution_id')} as execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message`;
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** Follows trace_spans while there are listeners, and rests otherwise. */
export class Tail {
  readonly #pool: pg.Pool;
  readonly #intervalMs: number;
  readonly #max: number;
  readonly #channels = new Map<string, Channel>();
  /** Where it is; undefined while it rests. */
  #place: Place | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The round under way. */
  #round: Promise<void> = Promise.resolve();
  /** The one after it, for all who come meanwhile. */
  #waiting: Promise<void> | undefined;

  constructor(pool: pg.Pool, options: TailOptions = {}) {
    this.#pool = pool;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#max = options.max ?? MAX_ROWS;
  }

  /**
   * Sends what is committed from now on; a failing round is reported as an error, and the next one is tried.
   *
   * @param gone Ends it too, also before the first round.
   * @returns a function that ends it.
   * @throws BeaconError when the database fails at once.
   */
  async listen(terms: readonly Term[], listener: Listener, gone?: AbortSignal): Promise<() => void> {
    const key = JSON.stringify(terms);
    const channel = this.#channels.get(key) ?? { terms, listeners: new Set(), seen: undefined };
    this.#channels.set(key, channel);
    channel.listeners.add(listener);
    const end = () => {
      channel.listeners.delete(listener);
      if (channel.listeners.size === 0) this.#channels.delete(key);
      if (this.#channels.size === 0) this.#rest();
    };
    gone?.addEventListener('abort', end, { once: true });
    try {
      // What is there already is not sent: the first round of a channel only takes its position.
      if (channel.seen === undefined) await this.#next();
    } catch (error) {
      end();
      throw error;
    }
    // All may have been ended meanwhile.
    if (this.#channels.has(key)) this.#timer ??= setTimeout(() => this.#goOn(), this.#intervalMs);
    return end;
  }

  /**
   * What was committed since a position of before. It may repeat what was sent in the five seconds before that.
   *
   * @param position As in a {@link Batch}; ISO 8601.
   */
  async since(terms: readonly Term[], position: string): Promise<Batch> {
    const furthest = new Date(Date.now() - FURTHEST_BACK_S * 1_000).toISOString();
    const bind = new Bindings([position, LOOK_BACK_S, furthest]);
    const rows = await this.#ask(
      `select ${COLUMNS}, to_char(s.created_at, ${TIME}) as _created, count(*) over () as _total
      from beacon.trace_spans s
      where s.created_at >= $1::timestamptz - make_interval(secs => $2) and s.created_at >= $3::timestamptz
        and (${filterSql(terms, bind)})
      order by s.created_at desc, s.started_at desc limit ${this.#max}`,
      bind.values,
    );
    const skipped = Number(rows[0]?._total ?? 0) - rows.length;
    const isTooOld = Date.now() - Date.parse(position) > FURTHEST_BACK_S * 1_000;
    return {
      fresh: rows.map(shown).reverse(),
      ended: [],
      skipped,
      note: isTooOld ? 'Spans older than an hour are not sent again; search finds them.' : null,
      position: String(rows[0]?._created ?? position),
    };
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#channels.clear();
    this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#place = undefined;
  }

  /** A pause lies between two rounds, however long they take. */
  async #goOn(): Promise<void> {
    const timer = this.#timer;
    try {
      await this.#next();
    } catch (error) {
      for (const channel of this.#channels.values()) tell(channel, error as BeaconError);
    }
    // Another one when all listeners left meanwhile and a new one came.
    if (this.#timer === timer && timer) this.#timer = setTimeout(() => this.#goOn(), this.#intervalMs);
  }

  /** One round after the other; however many wait for the next one, it is one. */
  #next(): Promise<void> {
    if (this.#waiting) return this.#waiting;
    const round = this.#round.then(() => {
      this.#waiting = undefined;
      return this.#once();
    });
    this.#waiting = round;
    this.#round = round.catch(() => {});
    return round;
  }

  async #once(): Promise<void> {
    const channels = [...this.#channels.values()];
    if (channels.length === 0) return;
    // A round that ends after all listeners have left changes state that is no longer read.
    const place = this.#place ?? (await this.#begin());
    if (this.#channels.size > 0) this.#place = place;
    const ended = await this.#ended(channels, place);
    const { rows, total } = await this.#arrived(channels, place);
    place.position = String(rows.at(-1)?._created ?? place.position);
    // What ended between the two statements is sent as ended, and no longer as new.
    for (const row of rows) {
      if (row.status === 'started') follow(place, row);
      else if (place.open.delete(keyOf(row))) ended.push(row);
    }
    const endedKeys = new Set(ended.map(keyOf));
    const note = sayUnfollowed(place);
    // What a round could not carry is given up and counted once: the next one does not look further back.
    const isCut = rows.length === this.#max;
    if (isCut) place.floor = String(rows[0]?._created);
    channels.forEach((channel, i) => {
      const mine = rows.filter((row) => matches(row)[i]);
      const { seen } = channel;
      channel.seen = new Set(mine.map(keyOf));
      if (seen === undefined) return;
      const fresh = mine.filter((row) => !seen.has(keyOf(row)) && !endedKeys.has(keyOf(row)));
      const known = [...seen].filter((key) => !channel.seen?.has(key)).length;
      const skipped = !isCut ? 0 : Math.max(0, (total[i] ?? 0) - mine.length - known);
      const mineEnded = ended.filter((row) => matches(row)[i]);
      if (fresh.length + mineEnded.length + skipped === 0 && note === null) return;
      tell(channel, { fresh: fresh.map(shown), ended: mineEnded.map(shown), skipped, note, position: place.position });
    });
  }

  /** Spans that are already open are followed too, so that their end is sent. */
  async #begin(): Promise<Place> {
    const [clock] = await this.#ask(`select to_char(clock_timestamp(), ${TIME}) as now`, []);
    const place: Place = { position: String(clock?.now), floor: null, open: new Map(), unfollowed: 0 };
    const rows = await this.#ask(
      `select ${COLUMNS}
      from beacon.trace_spans s where s.status = 'started' and s.started_at > $1::timestamptz - interval '1 day'
      order by s.started_at desc limit ${MAX_OPEN}`,
      [place.position],
    );
    for (const row of rows) follow(place, row);
    return place;
  }

  async #ended(channels: Channel[], place: Place): Promise<Row[]> {
    if (place.open.size === 0) return [];
    const open = [...place.open.values()];
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
    for (const row of rows) place.open.delete(keyOf(row));
    return rows;
  }

  /** Rows of the look-back, the oldest first, and how many there are for each channel. */
  async #arrived(channels: Channel[], place: Place): Promise<{ rows: Row[]; total: number[] }> {
    const bind = new Bindings([place.position, LOOK_BACK_S, place.floor]);
    const totals = channels.map((_, i) => `count(*) filter (where _matches[${i + 1}]) over ()`);
    const rows = await this.#ask(
      `select m.*, array[${totals.join(', ')}] as _total
      from (
        select ${COLUMNS}, s.created_at, to_char(greatest(s.created_at, $1::timestamptz), ${TIME}) as _created,
          ${matchesSql(channels, bind)} as _matches
        from beacon.trace_spans s
        where s.created_at >= $1::timestamptz - make_interval(secs => $2)
          and s.created_at > coalesce($3::timestamptz, '-infinity')) m
      where true = any(_matches) or status = 'started'
      order by created_at desc, started_at desc, span_id limit ${this.#max}`,
      bind.values,
    );
    const total = ((rows[0]?._total as string[] | undefined) ?? []).map(Number);
    return { rows: rows.reverse(), total };
  }

  #ask(text: string, values: unknown[]): Promise<Row[]> {
    return readOnly(this.#pool, { statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async ({ client }) => {
      const { rows, fields } = await client.query({ text, values, types: VALUE_TYPES });
      return rows.map((row) => rowValues(row, fields));
    });
  }
}

/** The newest are followed: what has been open for long may stay so. */
function follow(place: Place, row: Row): void {
  const { open } = place;
  open.set(keyOf(row), row);
  const [oldest] = open.keys();
  if (open.size <= MAX_OPEN || oldest === undefined) return;
  open.delete(oldest);
  place.unfollowed += 1;
}

/** Sent once for each span that was given up. */
function sayUnfollowed(place: Place): string | null {
  const given = place.unfollowed;
  place.unfollowed = 0;
  return given > 0 ? `More than ${MAX_OPEN} spans are open: the end of ${given} of them will not be shown.` : null;
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
