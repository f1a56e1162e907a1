// The process's own row in `tracers`: what its flag is, what became of its spans, that it is alive.
import { Connection, type ConnectionOptions } from '@project-beacon/writer';

export interface TracerReport {
  tracerId: string;
  service: string;
  instance: string;
  flag: string;
  flagSource: string;
  versions: Record<string, string>;
  surroundings: object;
  started: number;
  ended: number;
  written: number;
  redacted: number;
  dropped: Record<string, number>;
  queued: number;
  failures: number;
  lastError: string | null;
  lastErrorAt: Date | null;
}

const UPSERT = `
insert into beacon.tracers as t (tracer_id, service, instance, pid, flag, flag_source, versions, spans_started, spans_ended,
  spans_written, spans_dropped, queue_depth, write_failures, last_error, last_error_at, clock_offset_ms, stopped_at, surroundings, values_redacted)
values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11::jsonb, $12, $13, $14, $15, $16, case when $17::boolean then now() end,
  $18::jsonb, $19)
on conflict (tracer_id) do update set
  versions = excluded.versions, surroundings = excluded.surroundings, spans_started = excluded.spans_started, spans_ended = excluded.spans_ended,
  spans_written = excluded.spans_written, spans_dropped = excluded.spans_dropped, queue_depth = excluded.queue_depth,
  write_failures = excluded.write_failures, last_error = excluded.last_error, last_error_at = excluded.last_error_at,
  values_redacted = excluded.values_redacted, clock_offset_ms = excluded.clock_offset_ms, heartbeat_at = excluded.heartbeat_at, stopped_at = excluded.stopped_at`;

export class Heartbeat {
  readonly #connection: Connection;
  readonly #report: () => TracerReport;
  #beating: Promise<void> | undefined;
  /** Clock of this process minus clock of the database, milliseconds; null until it was measured. */
  clockOffsetMs: number | null = null;
  lastBeatAt: Date | null = null;

  constructor(options: ConnectionOptions, report: () => TracerReport) {
    this.#connection = new Connection({ ...options, applicationName: 'beacon-tracer' });
    this.#report = report;
  }

  /**
   * Writes the row.
   *
   * @throws the connection's or the database's error.
   */
  async beat(stopped: boolean, deadlineMs: number): Promise<void> {
    // One at a time; the last one, which says that it stopped, must be written last.
    await this.#beating?.catch(() => {});
    this.#beating = this.#write(stopped, deadlineMs);
    await this.#beating;
  }

  /** Whether the last one has neither succeeded nor failed yet. */
  get isBusy(): boolean {
    return this.#beating !== undefined;
  }

  close(): void {
    this.#connection.close();
  }

  async #write(stopped: boolean, deadlineMs: number): Promise<void> {
    try {
      await this.#connection.use(async (client) => {
        await client.query(`begin; set local statement_timeout = ${Math.trunc(deadlineMs)}`);
        try {
          const before = Date.now();
          const { rows } = await client.query('select extract(epoch from clock_timestamp()) * 1000 as now_ms');
          this.clockOffsetMs = (before + Date.now()) / 2 - Number(rows[0].now_ms);
          await client.query(UPSERT, this.#values(stopped));
          await client.query('commit');
        } catch (error) {
          await client.query('rollback').catch(() => {});
          throw error;
        }
      }, deadlineMs);
      this.lastBeatAt = new Date();
    } finally {
      this.#beating = undefined;
    }
  }

  #values(stopped: boolean): unknown[] {
    const report = this.#report();
    return [
      report.tracerId,
      report.service,
      report.instance,
      process.pid,
      report.flag,
      report.flagSource,
      JSON.stringify(report.versions),
      report.started,
      report.ended,
      report.written,
      JSON.stringify(report.dropped),
      report.queued,
      report.failures,
      report.lastError,
      report.lastErrorAt,
      this.clockOffsetMs,
      stopped,
      JSON.stringify(report.surroundings),
      report.redacted,
    ];
  }
}
