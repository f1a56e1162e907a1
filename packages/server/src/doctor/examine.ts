// The examination: asks processes, database and endpoint, and follows a probe span to where it can be found again.
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { runOperation } from '../operations/run.ts';
import { search } from '../operations/search.ts';
import { createPool } from '../store/connect.ts';
import { maskUrl } from '../store/errors.ts';
import { readShell, type Shell } from './environment.ts';
import { conclude, type Diagnosis, type Finding } from './finding.ts';
import { examineOtlp } from './otlp.ts';
import { type Around, examineProcess } from './process-rules.ts';
import { askService, fromHeartbeat, type ProcessReport } from './processes.ts';
import { explainTrouble } from './write-trouble.ts';

export interface ExamineOptions {
  /** undefined: none is known. */
  databaseUrl?: string | undefined;
  /** Services to ask; the name is what they were started under, where that is known. */
  services: { url: string; name?: string }[];
  otlpUrl?: string | undefined;
  env?: NodeJS.ProcessEnv;
  /** Folder whose .env files are read. */
  dir?: string;
}

/** A lock that holds the database must not hold the doctor. */
const QUERY_WITHIN_MS = 3_000;
const READ_BACK_WITHIN_MS = 2_000;

/** Examines everything that is named. Never rejects for what it finds. */
export async function examine(options: ExamineOptions): Promise<Diagnosis> {
  const began = performance.now();
  const shell = readShell(options.env ?? process.env, options.dir ?? process.cwd(), options.otlpUrl);
  const leftBehind: string[] = [];
  const pool = options.databaseUrl
    ? createPool(options.databaseUrl, {
        applicationName: 'beacon doctor',
        max: 3,
        connectTimeoutMs: 3_000,
        queryTimeoutMs: QUERY_WITHIN_MS,
      })
    : undefined;
  try {
    const [reports, database] = await Promise.all([
      Promise.all(options.services.map(({ url, name }) => askService(url, name))),
      pool && options.databaseUrl ? examineDatabase(pool, options.databaseUrl) : noDatabase(),
    ]);
    const session = database.session;
    const around = surrounding(shell, session ? pool : undefined, options.databaseUrl, session);
    const known = new Set(reports.flatMap(({ tracing }) => (tracing ? [tracing.tracerId] : [])));
    const silent = session && pool ? await heartbeats(pool, known) : [];
    const everyone = [...reports, ...silent];
    const perProcess = await Promise.all(everyone.map((report) => examineProcess(report, around)));
    const findings = [...database.findings, ...perProcess.flat(), ...shell.notes.map(noteOf)];
    if (session && pool) {
      findings.push(...(await orTrouble(readBack(pool, reports, findings, leftBehind))));
      findings.push(...(await orTrouble(examineData(pool, everyone))));
    }
    if (shell.otlp)
      findings.push(
        ...(await examineOtlp(shell.otlp, (traceId) => arrived(session ? pool : undefined, traceId, leftBehind))),
      );
    if (everyone.length === 0 && !shell.otlp) {
      findings.push({
        hop: 'flag',
        state: 'unknown',
        summary:
          'no running service is known: none was named with --url, none was started here, and no tracer has reported',
        fix: 'Name one with --url http://host:port.',
      });
    }
    return conclude(findings, leftBehind, performance.now() - began);
  } finally {
    await pool?.end();
  }
}

/** A table that is missing or may not be read is a finding, too. */
async function orTrouble(work: Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work;
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return [await explainTrouble(undefined, `${message} (${code ?? 'no code'})`, null)];
  }
}

function noDatabase(): { findings: Finding[]; session: undefined } {
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

const noteOf = (summary: string): Finding => ({ hop: 'sdk', state: 'note', summary });

interface Session {
  database: string;
  role: string;
  schema: string;
  spans: number;
  newest: string | null;
  partition_of_today: boolean;
}

async function examineDatabase(
  pool: pg.Pool,
  url: string,
): Promise<{ findings: Finding[]; session: Session | undefined }> {
  try {
    const { rows: there } = await pool.query(
      `select to_regprocedure('beacon.doctor_session()') is not null as migrated, current_setting('search_path') as search_path,
         to_regclass('trace_spans')::oid <> to_regclass('beacon.trace_spans')::oid as shadowed, to_regclass('trace_spans')::text as seen`,
    );
    if (!there[0].migrated)
      return {
        findings: [await explainTrouble(undefined, '42P01: relation "beacon.trace_spans" does not exist', null)],
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
    else findings.push(await explainTrouble(undefined, `${error} (${code})`, null));
    return { findings, session };
  } catch (error) {
    const { message, code, errors } = error as Error & { code?: string; errors?: Error[] };
    const text = `${message || errors?.[0]?.message || ''} (${code ?? 'no code'})`;
    const found = await explainTrouble(undefined, text, maskUrl(url));
    return { findings: [{ ...found, evidence: { ...found.evidence, writes_to: maskUrl(url) } }], session: undefined };
  }
}

function surrounding(
  shell: Shell,
  pool: pg.Pool | undefined,
  url: string | undefined,
  session: Session | undefined,
): Around {
  return {
    shell,
    reads: url ? maskUrl(url) : null,
    spansHere: session?.spans ?? null,
    async untracedSince(moment) {
      if (!pool) return undefined;
      const { rows } = await pool.query('select * from beacon.untraced_since($1)', [moment]);
      return { untraced: Number(rows[0].untraced), ids: rows[0].untraced_ids };
    },
    async tracerRow(tracerId) {
      if (!pool) return undefined;
      const { rows } = await pool.query('select started_at from beacon.tracers where tracer_id = $1', [tracerId]);
      return rows[0] ? { startedAt: rows[0].started_at } : null;
    },
  };
}

/** Tracers that live and were not asked over HTTP: workers without a port, or services nobody named. */
async function heartbeats(pool: pg.Pool, known: Set<string>): Promise<ProcessReport[]> {
  const { rows } = await pool.query(
    `select * from beacon.tracers where stopped_at is null
       and heartbeat_at > now() - make_interval(secs => beacon.setting('lost_after_seconds', '30')::double precision)
     order by service, heartbeat_at desc`,
  );
  return rows.filter(({ tracer_id }) => !known.has(tracer_id)).map(fromHeartbeat);
}

/** Each probe that was sent: found by its id, and found by searching. */
async function readBack(
  pool: pg.Pool,
  reports: ProcessReport[],
  before: Finding[],
  leftBehind: string[],
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { service, probe, tracing } of reports) {
    if (!probe?.traceId || !probe.written || !tracing) continue;
    const began = performance.now();
    const span = await spanOf(pool, probe.traceId);
    if (!span) {
      // In another database, which has been said.
      if (before.some((one) => one.service === service && one.state === 'fault')) continue;
      found.push({
        hop: 'committed',
        state: 'fault',
        fault: 'NOT_READ_BACK',
        service,
        summary: `a span that ${service} says it has committed cannot be read back`,
        evidence: { trace_id: probe.traceId },
        fix: 'Compare its DATABASE_URL with the one read here, and look for row-level security.',
      });
      continue;
    }
    const ms = Math.round(performance.now() - began);
    const searched = await runOperation(pool, search, { service: tracing.service, from: '5m', limit: 1000 });
    const visible = searched.rows.some(({ trace_id }) => trace_id === span.trace_id);
    found.push({
      hop: 'committed',
      state: 'good',
      service,
      summary: `a probe span came through its own path and was read back by id (written in ${Math.round(probe.milliseconds)} ms, read in ${ms} ms)`,
    });
    if (visible)
      found.push({ hop: 'visible', state: 'good', service, summary: 'searching by service and time finds it too' });
    else if (Math.abs(tracing.clockOffsetMs ?? 0) < 5_000) {
      const why =
        span.service === tracing.service ? 'its time lies outside' : `it is stored under the service "${span.service}"`;
      found.push({
        hop: 'visible',
        state: 'fault',
        fault: 'FILTERED_OUT',
        service,
        summary: `spans of ${service} are stored, but searching for service "${tracing.service}" does not find them: ${why}`,
        evidence: {
          found_by_id: true,
          found_by_service_and_time: false,
          stored_as_service: span.service,
          started_at: span.started_at,
        },
        fix: 'service.name of the resource (OTEL_SERVICE_NAME, or the provider in the code) wins over the name given to startTracing: make them equal, or search for the stored one.',
      });
    }
    await forget(pool, probe.traceId, leftBehind);
  }
  return found;
}

async function spanOf(
  pool: pg.Pool,
  traceId: string,
): Promise<{ trace_id: string; service: string; started_at: Date } | undefined> {
  const { rows } = await pool.query(
    `select trace_id, service, started_at from beacon.trace_spans where trace_id = $1::uuid limit 1`,
    [traceId],
  );
  return rows[0];
}

async function forget(pool: pg.Pool, traceId: string, leftBehind: string[]): Promise<void> {
  try {
    await pool.query('select beacon.doctor_forget($1::uuid)', [traceId]);
  } catch (error) {
    leftBehind.push(`trace ${traceId} with one span, beacon.probe (${(error as Error).message})`);
  }
}

async function arrived(pool: pg.Pool | undefined, traceId: string, leftBehind: string[]): Promise<boolean | undefined> {
  if (!pool) return undefined;
  const deadline = performance.now() + READ_BACK_WITHIN_MS;
  while (!(await spanOf(pool, traceId))) {
    if (performance.now() > deadline) return false;
    await pause(50);
  }
  await forget(pool, traceId, leftBehind);
  return true;
}

/** What only the data shows: verdicts of sql/functions/doctor.sql, and who has no trace. */
async function examineData(pool: pg.Pool, everyone: ProcessReport[]): Promise<Finding[]> {
  const { rows } = await pool.query('select * from beacon.doctor()');
  const findings = rows.map(
    ({ hop, state, fault, service, summary, evidence, fix }): Finding => ({
      hop,
      state,
      summary,
      evidence,
      ...(fault && { fault }),
      ...(service && { service }),
      ...(fix && { fix }),
    }),
  );
  const { rows: counted } = await pool.query(`select * from beacon.untraced_since(now() - interval '30 days')`);
  const [{ executions, untraced, untraceable, untraced_ids, jobs }] = counted;
  const of = `${executions} executions of the last 30 days`;
  if (Number(untraced) > 0) {
    findings.push({
      hop: 'linked',
      state: 'note',
      summary: `${untraced} of ${of} have no trace (${untraced_ids.slice(0, 5).join(', ')}${jobs.length > 0 ? `; jobs ${jobs.slice(0, 5).join(', ')}` : ''})`,
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
    if (everyone.length === 0) {
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
