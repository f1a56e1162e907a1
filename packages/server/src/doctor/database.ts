// The database as the doctor finds it: where one lands, as whom, what may be written, and what the data itself shows.
import type pg from 'pg';
import { readOnly } from '../queries/run.ts';
import { BeaconError, shownAddress } from '../store/errors.ts';
import type { Finding } from './finding.ts';
import { guards, swallowed } from './guards.ts';
import { fromHeartbeat, type ProcessReport } from './processes.ts';
import { explainTrouble } from './write-trouble.ts';

export interface Session {
  database: string;
  role: string;
  schema: string;
  spans: number;
  newest: string | null;
}

export interface DatabaseFindings {
  findings: Finding[];
  /** undefined: nothing can be read there. */
  session: Session | undefined;
}

// Below the driver's own limit, so that the server gives the statement up, too.
const STATEMENT_TIMEOUT_MS = 2_500;

export function noDatabase(): DatabaseFindings {
  return {
    findings: [
      {
        hop: 'committed',
        state: 'unknown',
        summary: 'no database is known, so nothing can be read back',
        fix: 'Set DATABASE_URL or pass --database-url.',
      },
    ],
    session: undefined,
  };
}

/** Connects, looks where that led, and writes a span that is taken back at once. Never rejects. */
export async function examineDatabase(pool: pg.Pool, url: string): Promise<DatabaseFindings> {
  try {
    const { rows: there } = await pool.query(
      `select to_regprocedure('beacon.doctor_session()') is not null as migrated, current_setting('search_path') as search_path,
         to_regclass('trace_spans')::oid <> to_regclass('beacon.trace_spans')::oid as shadowed, to_regclass('trace_spans')::text as seen`,
    );
    if (!there[0].migrated)
      return {
        findings: [
          await explainTrouble(undefined, '42P01: relation "beacon.trace_spans" does not exist', shownAddress(url)),
        ],
        session: undefined,
      };
    const { rows } = await pool.query('select beacon.doctor_session() as session');
    const session = rows[0].session as Session;
    const findings: Finding[] = [
      {
        hop: 'visible',
        state: 'good',
        summary: `read as role ${session.role} in database ${session.database}, schema beacon ${session.schema}: ${session.spans} spans${session.newest ? `, newest ${session.newest.slice(0, 19)}Z` : ''}`,
      },
    ];
    if (there[0].shadowed) {
      findings.push({
        hop: 'visible',
        state: 'fault',
        fault: 'SHADOWED',
        summary: "another table named trace_spans hides Beacon's: queries without a schema read the wrong one",
        evidence: {
          search_path: there[0].search_path,
          read_instead: `${there[0].seen}`,
          spans_in_beacon: session.spans,
        },
        fix: 'Rename or drop that table, or write beacon.trace_spans.',
      });
    }
    const { rows: written } = await pool.query('select * from beacon.doctor_write()');
    const [{ stored, error, code, milliseconds }] = written as [
      { stored: boolean; error: string | null; code: string | null; milliseconds: number },
    ];
    if (stored)
      findings.push({
        hop: 'committed',
        state: 'good',
        summary: `role ${session.role} can write a span and read it back (${milliseconds.toFixed(1)} ms, taken back)`,
      });
    else if (error === null) findings.push(await discarded(pool, session.role));
    else findings.push(await explainTrouble(undefined, `${error} (${code})`, shownAddress(url)));
    return { findings, session };
  } catch (error) {
    const { message, code, errors } = error as Error & { code?: string; errors?: Error[] };
    const text = `${message || errors?.[0]?.message || ''} (${code ?? 'no code'})`;
    const short = code === '57014' ? await roleTimeout(pool) : undefined;
    if (short) return { findings: [short], session: undefined };
    return { findings: [await explainTrouble(undefined, text, shownAddress(url))], session: undefined };
  }
}

/** A span that was written without an error and is not there. */
async function discarded(pool: pg.Pool, role: string): Promise<Finding> {
  const found = await guards(pool);
  return {
    hop: 'committed',
    state: 'fault',
    ...swallowed(`a span that role ${role} writes is not stored, and the database reports no error`, found),
    evidence: { on_the_tables: found.map(({ what }) => what), read_back: 'not there' },
  };
}

/** A limit that the role or the database has of its own, so short that nothing gets through. */
async function roleTimeout(pool: pg.Pool): Promise<Finding | undefined> {
  try {
    // In one message, under the limit that is looked for; the server counts each statement of it anew.
    const results = (await pool.query(
      `begin; set local statement_timeout = 0; select current_user as role, s.setting, s.source from pg_settings s
         where s.name = 'statement_timeout'; select setting, source, reset_val from pg_settings where name = 'statement_timeout'; commit`,
    )) as unknown as pg.QueryResult[];
    const { role } = results[2]?.rows[0] ?? {};
    const ms = Number(results[3]?.rows[0]?.reset_val);
    if (!(ms > 0)) return undefined;
    return {
      hop: 'committed',
      state: 'fault',
      fault: 'STATEMENT_TIMEOUT_OF_ROLE',
      summary: `role ${role} has a statement_timeout of ${ms} ms of its own, and statements are given up after that`,
      evidence: { statement_timeout: `${ms} ms`, role },
      fix: `alter role ${role} reset statement_timeout (or for the database: alter database … reset statement_timeout), then reconnect.`,
    };
  } catch {
    return undefined;
  }
}

/** Whether what an error says was refused would be taken now: the constraint is gone, the partition is there. */
export async function isMended(pool: pg.Pool | undefined, error: string): Promise<boolean> {
  const constraint = /violates \w+(?: \w+)? constraint "([^"]+)"/.exec(error)?.[1];
  if (!pool) return false;
  if (constraint) {
    const { rows } = await pool.query('select from pg_constraint where conname = $1 limit 1', [constraint]);
    return rows.length === 0;
  }
  if (!/no partition of relation/.test(error)) return false;
  const { rows } = await pool.query('select stored from beacon.doctor_write()');
  return rows[0]?.stored === true;
}

/** Tracers that live and were not asked over HTTP: workers without a port, or services that were not named. */
export async function heartbeats(pool: pg.Pool, known: Set<string>): Promise<ProcessReport[]> {
  const { rows } = await pool.query(
    `select * from beacon.tracers r where stopped_at is null
       and heartbeat_at > now() - make_interval(secs => beacon.setting('lost_after_seconds', '30')::double precision)
       -- One whose successor began after its last word is gone, and its fault may be fixed.
       and not exists (select from beacon.tracers l where l.service = r.service and l.tracer_id <> r.tracer_id
         and l.started_at > r.heartbeat_at)
     order by service, heartbeat_at desc`,
  );
  return rows.filter(({ tracer_id }) => !known.has(tracer_id)).map(fromHeartbeat);
}

/** Executions that ended without a trace since a moment; undefined where counting them would take too long. */
export async function untracedSince(
  pool: pg.Pool,
  moment: Date,
): Promise<{ untraced: number; ids: string[] } | undefined> {
  try {
    return await readOnly(pool, { statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async ({ client }) => {
      const { rows } = await client.query('select * from beacon.untraced_since($1)', [moment]);
      return { untraced: Number(rows[0].untraced), ids: rows[0].untraced_ids };
    });
  } catch (error) {
    if (error instanceof BeaconError && error.code === 'statement_timeout') return undefined;
    throw error;
  }
}

/**
 * What only the data shows: verdicts of sql/functions/doctor.sql, and who has no trace. Data too large to be looked at
 * in time is not a fault.
 *
 * @param anyTracer Whether a process with a tracer is known.
 */
export async function examineData(pool: pg.Pool, anyTracer: boolean): Promise<Finding[]> {
  try {
    return await readOnly(pool, { statementTimeoutMs: STATEMENT_TIMEOUT_MS }, async ({ client }) => {
      const { rows } = await client.query<DataRow>('select * from beacon.doctor()');
      const { rows: counted } = await client.query(`select * from beacon.untraced_since(now() - interval '30 days')`);
      return [...(await Promise.all(rows.map(asFinding))), ...coverage(counted[0], anyTracer)];
    });
  } catch (error) {
    if (!(error instanceof BeaconError && error.code === 'statement_timeout')) throw error;
    return [
      {
        hop: 'linked',
        state: 'note',
        summary: `the stored traces could not be looked through within ${STATEMENT_TIMEOUT_MS / 1_000} s, so nothing is said about coverage and lost contexts`,
        fix: 'Run `beacon coverage`, which may take longer.',
      },
    ];
  }
}

/** A row of `beacon.doctor()`. */
type DataRow = Pick<Finding, 'hop' | 'state' | 'summary'> & {
  fault: string | null;
  service: string | null;
  evidence: Record<string, unknown>;
  fix: string | null;
};

async function asFinding({ hop, state, fault, service, summary, evidence, fix }: DataRow): Promise<Finding> {
  if (fault === 'WRITES_FAIL') return explainTrouble(service ?? undefined, String(evidence.last_error), null);
  return { hop, state, summary, evidence, ...(fault && { fault }), ...(service && { service }), ...(fix && { fix }) };
}

interface Counted {
  executions: string;
  untraced: string;
  untraceable: string;
  untraced_ids: string[];
  jobs: string[];
}

function coverage(counted: Counted, anyTracer: boolean): Finding[] {
  const { executions, untraced, untraceable, untraced_ids, jobs } = counted;
  const findings: Finding[] = [];
  const of = `${executions} executions of the last 30 days`;
  if (Number(untraced) > 0) {
    findings.push({
      hop: 'linked',
      state: 'note',
      summary: `${untraced} of ${of} have no trace (${untraced_ids.slice(0, 5).join(', ')}${jobs.length > 0 ? `; jobs ${jobs.slice(0, 5).join(', ')}` : ''})`,
      fix: '`beacon coverage` lists them by job.',
    });
  } else if (Number(executions) > Number(untraceable))
    findings.push({ hop: 'linked', state: 'good', summary: `of ${of}, none that could have a trace lacks it` });
  if (Number(untraceable) > 0) {
    findings.push({
      hop: 'linked',
      state: 'note',
      summary: `${untraceable} executions ran before any tracer reported: they cannot be traced any more`,
      fix: '`beacon backfill` makes one synthetic span of each from its row.',
    });
    if (!anyTracer) {
      findings.push({
        hop: 'flag',
        state: 'fault',
        fault: 'NO_TRACER',
        summary: 'no process has ever reported a tracer to this database',
        evidence: { executions_without_a_trace: Number(untraceable), tracers: 0 },
        fix: 'Name the running service with --url to see which: flag off, tracer not constructed, or another database.',
      });
    }
  }
  return findings;
}
