// The examination: asks processes, database and endpoint, and follows a probe span to where it can be found again.
//
// For callers other than the command line: `examine({ pool, services })` gives the verdict, `doctorRows` of rows.ts the same
// as rows. Neither prints, throws for what it finds, or takes longer than ten seconds.
import type pg from 'pg';
import { createPool } from '../store/connect.ts';
import { shownAddress } from '../store/errors.ts';
import { examineData, examineDatabase, heartbeats, noDatabase, type Session, untracedSince } from './database.ts';
import { readShell, type Shell } from './environment.ts';
import { conclude, type Diagnosis, type Finding } from './finding.ts';
import { examineOtlp } from './otlp.ts';
import { type Around, examineProcess } from './process-rules.ts';
import { askService } from './processes.ts';
import { arrived, forgetEarlier, type Left, readBack } from './read-back.ts';
import { explainTrouble } from './write-trouble.ts';

export interface ExamineOptions {
  /** Connection string; without it and without `pool` nothing is read back. */
  databaseUrl?: string | undefined;
  /**
   * Instead of the connection string: where this pool leads to. It is not used itself, because the doctor needs
   * connections that give up early, also while all of this pool's are busy.
   */
  pool?: pg.Pool | undefined;
  /** Services to ask; the name is what they were started under, where that is known. */
  services: { url: string; name?: string }[];
  /** OTLP endpoint to send a span to. Default: that of the environment. */
  otlpUrl?: string | undefined;
  /** Default: the process's own. `{}` where the shell it runs in says nothing, as in a server. */
  env?: NodeJS.ProcessEnv;
  /** Folder whose .env files are read. Default: the current one. */
  dir?: string;
  /** `pending` of an earlier diagnosis: probes that may have been written since, to be removed. */
  earlier?: string[];
}

/** A lock that holds the database must not hold the doctor. */
const QUERY_WITHIN_MS = 3_000;

/** Examines everything that is named. Never rejects for what it finds. */
export async function examine(options: ExamineOptions): Promise<Diagnosis> {
  const began = performance.now();
  const shell = readShell(options.env ?? process.env, options.dir ?? process.cwd(), options.otlpUrl);
  const left: Left = { behind: [], pending: [] };
  const url = options.databaseUrl ?? options.pool?.options.connectionString;
  const opened = url
    ? createPool(url, {
        applicationName: 'beacon doctor',
        max: 3,
        connectTimeoutMs: QUERY_WITHIN_MS,
        queryTimeoutMs: QUERY_WITHIN_MS,
      })
    : undefined;
  try {
    const [reports, { findings: ofDatabase, session }] = await Promise.all([
      Promise.all(options.services.map(({ url, name }) => askService(url, name))),
      opened && url ? examineDatabase(opened, url) : noDatabase(),
    ]);
    const pool = session && opened;
    const around = surrounding(shell, pool, url, session);
    const known = new Set(reports.flatMap(({ tracing }) => (tracing ? [tracing.tracerId] : [])));
    const findings = [...ofDatabase, ...shell.notes.map(noteOf)];
    const silent = pool ? await heartbeats(pool, known).catch(() => []) : [];
    const everyone = [...reports, ...silent];
    const perProcess = everyone.map((report) => orTrouble(examineProcess(report, around)));
    findings.push(...(await Promise.all(perProcess)).flat());
    findings.push(...(await orTrouble(readBack(pool, reports, findings, left))));
    if (pool) {
      await forgetEarlier(pool, options.earlier ?? []);
      findings.push(...(await orTrouble(examineData(pool, everyone.length > 0))));
    }
    if (shell.otlp) findings.push(...(await examineOtlp(shell.otlp, (traceId) => arrived(pool, traceId, left))));
    if (everyone.length === 0 && !shell.otlp) findings.push(nobodyKnown());
    return conclude(findings, left, performance.now() - began);
  } finally {
    await opened?.end();
  }
}

/** A table that is missing or may not be read is a finding, too. */
async function orTrouble(work: Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work;
  } catch (error) {
    const { message, code } = ((error as Error).cause ?? error) as Error & { code?: string };
    return [await explainTrouble(undefined, `${message} (${code ?? 'no code'})`, null)];
  }
}

function nobodyKnown(): Finding {
  return {
    hop: 'flag',
    state: 'unknown',
    summary:
      'no running service is known: none was named with --url, none was started here, and no tracer has reported',
    fix: 'Name one with --url http://host:port, or with --otlp the endpoint that spans are sent to.',
  };
}

const noteOf = (summary: string): Finding => ({ hop: 'sdk', state: 'note', summary });

function surrounding(
  shell: Shell,
  pool: pg.Pool | undefined,
  url: string | undefined,
  session: Session | undefined,
): Around {
  return {
    shell,
    reads: url ? shownAddress(url) : null,
    spansHere: session?.spans ?? null,
    untracedSince: async (moment) => pool && untracedSince(pool, moment),
    async newestSpanOf(service) {
      const { rows } = (await pool?.query(
        `select max(started_at) as newest from beacon.traces where $1 = any(services) and started_at > now() - interval '1 day'`,
        [service],
      )) ?? { rows: [] };
      return rows[0]?.newest;
    },
    async tracerRow(tracerId) {
      if (!pool) return undefined;
      const { rows } = await pool.query('select started_at from beacon.tracers where tracer_id = $1', [tracerId]);
      return rows[0] ? { startedAt: rows[0].started_at } : null;
    },
  };
}
