// Checks 1, 2, 4, 7 and 8: what the database is, how executions fare, how fast it writes, whether there is a way back.
import { randomBytes } from 'node:crypto';
import * as os from 'node:os';
import pg from 'pg';
import { OWN_SET, readSets } from '../store/migrations.ts';
import { statements } from '../store/statements.ts';
import { bytes, type CheckResult, judged, type Situation } from './check.ts';
import { DRAIN_WITHIN_MS, timed, type WriterPath } from './writer-path.ts';

type Body = Omit<CheckResult, 'number' | 'name'>;

export async function databaseHealth({ pool, thresholds: t, accepted }: Situation): Promise<Body> {
  const { rows } = await pool.query(`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as version_num,
      current_setting('max_connections')::int as max, pg_database_size(current_database())::float8 as size,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
      (select string_agg(n || ' ' || state, ', ' order by n desc) from (select coalesce(state, 'hidden') as state, count(*) as n
        from pg_stat_activity where backend_type = 'client backend' group by 1) s) as states`);
  const { rows: written } = await pool.query('select * from beacon.doctor_write()');
  const [{ version, version_num, max, size, used, states }] = rows;
  const [{ stored, error }] = written;
  const pct = (100 * used) / max;
  const verdict = judged([
    { state: version_num >= 140_000 ? 'go' : 'no-go', reason: `PostgreSQL ${version} is older than 14` },
    {
      state: pct < t.connectionsPct ? 'go' : 'no-go',
      reason: `${used} of ${max} connections are in use, ${t.connectionsPct} % is the limit`,
    },
    {
      state: size <= t.warnBytes ? 'go' : size <= t.stopBytes || accepted.includes('size') ? 'warn' : 'no-go',
      reason: `the database has ${bytes(size)} already${accepted.includes('size') ? ' (accepted)' : ''}`,
    },
    { state: stored ? 'go' : 'no-go', reason: `the role may not write: ${error}` },
  ]);
  const pooled = await isTransactionPooled(pool);
  return {
    ...verdict,
    numbers: `PostgreSQL ${version}, ${used} of ${max} connections (${pct.toFixed(0)} %: ${states}), ${bytes(size)}, ${pooled ? 'pooler in transaction mode' : 'direct, or a pooler in session mode'}`,
  };
}

/** In transaction mode two sessions at work get each other's server process. */
async function isTransactionPooled(pool: pg.Pool): Promise<boolean> {
  const [a, b] = await Promise.all([pool.connect(), pool.connect()]);
  try {
    const pid = async (client: pg.PoolClient) => (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
    const first = await pid(a);
    await b.query('begin');
    const taken = await pid(b);
    const second = await pid(a);
    await b.query('commit');
    return first !== second || taken === first;
  } finally {
    a.release();
    b.release();
  }
}

export interface Baseline {
  /** Whether these executions were traced: then nothing can be compared with them. */
  traced: boolean;
  executions: number;
  timed: number;
  average_ms: number | null;
  max_ms: number | null;
  p95_ms: number | null;
  variance: number | null;
  overhead_pct_allowed: number;
  slowest_statements: unknown[];
}

export async function measureBaseline({ pool, thresholds }: Pick<Situation, 'pool' | 'thresholds'>): Promise<Baseline> {
  const week = (traced: boolean) =>
    pool.query(`select * from beacon.preflight_baseline(now() - interval '7 days', now() + interval '1 minute', $1)`, [
      traced,
    ]);
  let { rows } = await week(false);
  const traced = Number(rows[0].timed) === 0;
  if (traced) ({ rows } = await week(true));
  const { rows: there } = await pool.query(`select to_regclass('pg_stat_statements') is not null as there`);
  const slowest = there[0].there
    ? (
        await pool
          .query(
            'select left(query, 100) as statement, calls, mean_exec_time from pg_stat_statements order by mean_exec_time desc limit 5',
          )
          .catch(() => ({ rows: [] }))
      ).rows
    : [];
  return {
    ...rows[0],
    traced: traced && Number(rows[0].timed) > 0,
    executions: Number(rows[0].executions),
    timed: Number(rows[0].timed),
    overhead_pct_allowed: thresholds.overheadPct,
    slowest_statements: slowest,
  };
}

export function baselineCheck(baseline: Baseline): Body {
  const ms = (value: number | null) => (value === null ? '–' : `${value.toFixed(1)} ms`);
  return {
    ...judged([
      {
        state: baseline.timed > 0 ? 'go' : 'warn',
        reason: 'no execution of the last 7 days has a duration: --compare will have nothing to compare with',
      },
      {
        state: baseline.traced ? 'warn' : 'go',
        reason: 'all of these were traced already: --compare cannot tell what tracing costs',
      },
    ]),
    numbers: `${baseline.executions} completed executions ${baseline.traced ? 'with' : 'without'} a trace in 7 days, average ${ms(baseline.average_ms)}, p95 ${ms(baseline.p95_ms)}, max ${ms(baseline.max_ms)}; ${baseline.slowest_statements.length > 0 ? `${baseline.slowest_statements.length} slowest statements kept` : 'pg_stat_statements is not there'}`,
  };
}

const INSERTS = 100;

/** @param path What the tracer's own path took. */
export async function writePerformance({ pool, thresholds: t }: Situation, path: WriterPath): Promise<Body> {
  const table = `beacon.${pg.escapeIdentifier(`preflight_scratch_${randomBytes(4).toString('hex')}`)}`;
  const client = await pool.connect();
  try {
    await client.query(`create table ${table} (id bigint primary key, at timestamptz default now(), metadata jsonb)`);
    try {
      const insert = `insert into ${table} (id, metadata) values ($1, $2)`;
      const single = await timed(async () => {
        for (let i = 0; i < INSERTS; i++) await client.query(insert, [i, '{"a":1}']);
      });
      const batch = await timed(() =>
        client.query(
          `insert into ${table} (id, metadata) select n, '{"a":1}' from generate_series(${INSERTS}, ${2 * INSERTS - 1}) n`,
        ),
      );
      const each = single / INSERTS;
      return {
        ...judged([
          {
            state: each < t.goInsertMs ? 'go' : each > t.stopInsertMs ? 'no-go' : 'warn',
            reason: `an insert takes ${each.toFixed(1)} ms; below ${t.goInsertMs} ms is good, above ${t.stopInsertMs} ms is too slow`,
          },
          { state: path.error === null ? 'go' : 'no-go', reason: `the tracer's path: ${path.error}` },
        ]),
        numbers: `${each.toFixed(2)} ms an insert (of ${INSERTS}), ${batch.toFixed(1)} ms for ${INSERTS} at once; ${path.batchMs.toFixed(1)} ms for ${path.spans} spans through the tracer's path`,
      };
    } finally {
      await client.query(`drop table ${table}`);
    }
  } finally {
    client.release();
  }
}

/** @param path What the tracer's own path took to stop. */
export async function rollback({ pool }: Situation, path: WriterPath): Promise<Body> {
  const scratch = `beacon_rehearsal_${randomBytes(4).toString('hex')}`;
  const set = readSets().find(({ name }) => name === OWN_SET);
  const inScratch = (sql: string) => statements(sql).map((text) => text.replaceAll(/\bbeacon\./g, `${scratch}.`));
  const ups = set?.migrations.flatMap(({ up }) => inScratch(up)) ?? [];
  const downs = [...(set?.migrations ?? [])].reverse().flatMap(({ down }) => inScratch(down));
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`create schema ${scratch}`);
    const run = async (all: string[]) => {
      for (const sql of all) await client.query(sql);
    };
    const up = await timed(() => run(ups));
    const down = await timed(() => run(downs));
    const { rows } = await client.query(
      `select count(*)::int as n from pg_class where relnamespace = '${scratch}'::regnamespace`,
    );
    await run(ups);
    const { rows: stopped } = await pool.query(
      `select count(*) filter (where stopped_at is not null)::int as stopped, max(extract(epoch from stopped_at - heartbeat_at)) as s from beacon.tracers`,
    );
    return {
      ...judged([
        { state: rows[0].n === 0 ? 'go' : 'no-go', reason: `the way down leaves ${rows[0].n} objects behind` },
        {
          state: path.drainMs < DRAIN_WITHIN_MS && path.error === null ? 'go' : 'no-go',
          reason: `a tracer that is switched off does not get rid of its spans within ${DRAIN_WITHIN_MS / 1_000} s`,
        },
        {
          state: path.stillOpen === 0 ? 'go' : 'no-go',
          reason: `a tracer that has stopped leaves ${path.stillOpen} connections open`,
        },
      ]),
      numbers: `tables up ${up.toFixed(0)} ms, down ${down.toFixed(0)} ms, up again, in a scratch schema; ${path.waiting} waiting spans written and connection closed in ${path.drainMs.toFixed(0)} ms; ${stopped[0].stopped} tracers have stopped in order so far`,
    };
  } catch (error) {
    return {
      state: 'no-go',
      reason: `migrations do not go down and up: ${(error as Error).message}`,
      numbers: 'rehearsed, and failed',
    };
  } finally {
    await client.query('rollback').catch(() => {});
    client.release();
  }
}

export async function monitoring({ pool, services, thresholds: t }: Situation): Promise<Body> {
  const { rows } = await pool.query('select * from beacon.storage_forecast($1)', [t.limitBytes]);
  const [f] = rows;
  const metrics = await metricsOf(pool);
  const healthy = services.filter(({ tracing }) => tracing !== null).length;
  const days = f.days_until_full === null ? undefined : Math.floor(f.days_until_full);
  const full =
    days === undefined
      ? 'never full'
      : days < 3_650
        ? `full in ${days} days`
        : `full in ${Math.floor(days / 365)} years`;
  return {
    ...judged([
      {
        state: services.length === 0 ? 'unknown' : healthy === services.length ? 'go' : 'warn',
        reason:
          services.length === 0
            ? 'no service is known'
            : `${services.length - healthy} services have no /health/tracing`,
      },
      {
        state: f.bytes_at_retention <= t.limitBytes ? 'go' : 'warn',
        reason: `${f.retention_days} days need ${bytes(f.bytes_at_retention)} of ${bytes(t.limitBytes)}: keep ${f.retention_suggested} days`,
      },
    ]),
    numbers: `${healthy} of ${services.length} health endpoints; ${metrics}; ${Math.round(f.bytes_per_span)} B a span (${f.basis}), ${Math.round(f.spans_per_day)} spans a day, ${bytes(t.limitBytes)} ${full}, retention ${f.retention_days} days`,
  };
}

/** What the servers that take OTLP on this machine give to a scraper. */
async function metricsOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query(
    `select instance, ports ->> 'http' as port from beacon.ingest
    where stopped_at is null and heartbeat_at > now() - interval '30 seconds' and instance like $1`,
    [`${os.hostname()}:%`],
  );
  const counts = await Promise.all(
    rows.map(async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2_000) });
      return ((await response.text()).match(/^# TYPE /gm) ?? []).length;
    }),
  ).catch((error: Error) => error);
  if (counts instanceof Error) return `/metrics does not answer (${counts.message})`;
  return counts.length === 0 ? 'no /metrics: no `beacon serve` takes OTLP here' : `/metrics with ${counts[0]} families`;
}
