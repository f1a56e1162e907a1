// The examination: asks processes, database and endpoint, and follows a probe span to where it can be found again.
//
// For callers other than the command line: `examine({ pool, services })` gives the verdict, `doctorRows` of rows.ts the same
// as rows. Neither prints, throws for what it finds, or takes longer than ten seconds.
import type pg from 'pg';
import { createPool } from '../store/connect.ts';
import { type BeaconError, shownAddress } from '../store/errors.ts';
import { examineAlerts } from './alerts.ts';
import { examineCluster } from './cluster.ts';
import {
  type DatabaseFindings,
  examineData,
  examineDatabase,
  heartbeats,
  isMended,
  noDatabase,
  type Session,
  untracedSince,
} from './database.ts';
import { readShell, type Shell } from './environment.ts';
import type { Exporter } from './exporter.ts';
import { conclude, type Diagnosis, type Finding } from './finding.ts';
import { examineOtlp } from './otlp.ts';
import { type Around, examineProcess } from './process-rules.ts';
import { askService, type ProcessReport } from './processes.ts';
import { arrived, comesIn, forgetEarlier, type Left, readBack } from './read-back.ts';
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
  /** Judge the services that are named, now, and nothing else: what others do is worth a remark. */
  only?: boolean;
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
  const { pool: opened, trouble } = openPool(url);
  try {
    const [reports, { findings: ofDatabase, session }] = await Promise.all([
      Promise.all(options.services.map(({ url, name }) => askService(url, name))),
      trouble ?? (opened && url ? examineDatabase(opened, url) : noDatabase()),
    ]);
    const pool = session && opened;
    const around = surrounding(shell, pool, url, session);
    const known = new Set(reports.flatMap(({ tracing }) => (tracing ? [tracing.tracerId] : [])));
    const findings = [...badAddress(url), ...ofDatabase];
    const beating = pool ? await heartbeats(pool, known).catch(() => []) : [];
    // A service that says nothing over HTTP may say it to the database.
    for (const report of reports) {
      const same = report.tracing ? undefined : beating.findIndex(({ service }) => service === report.service);
      if (same !== undefined && same >= 0) report.tracing = beating.splice(same, 1)[0]?.tracing ?? null;
    }
    const silent = options.only ? [] : beating;
    const everyone = [...reports, ...silent];
    const perProcess = everyone.map((report) => orTrouble(examineProcess(report, around)));
    findings.push(...(await Promise.all(perProcess)).flat());
    findings.push(...(await orTrouble(readBack(pool, reports, findings, left))));
    if (opened) findings.push(...(await orTrouble(examineCluster(opened))));
    if (pool) {
      await forgetEarlier(pool, options.earlier ?? []);
      if (!options.only) findings.push(...(await orTrouble(examineAlerts(pool))));
      const ofData = await orTrouble(examineData(pool, everyone.length > 0));
      findings.push(...(options.only ? ofData.map((one) => asked(one, reports)) : ofData));
    }
    const isJudged = !options.only && (shell.otlp !== undefined || !reports.some(isProven(findings)));
    const isTried = shell.otlp && !(shell.otlp.isGuess && everyone.length > 0) && (!options.only || options.otlpUrl);
    const ofOtlp = isTried && shell.otlp ? await overOtlp(shell.otlp, pool, left) : [];
    const isRefused = ofOtlp.some(({ fault }) => fault === 'OTLP_TOKEN_REFUSED');
    // Headers that no receiver asks for may be as broken as they like.
    const isHarmless = ({ fault }: Finding) => fault === 'OTLP_HEADERS_BROKEN' && ofOtlp.length > 0 && !isRefused;
    findings.push(...shell.findings.map((one) => (isJudged && !isHarmless(one) ? one : asNote(one))), ...ofOtlp);
    if (everyone.length === 0 && !shell.otlp) findings.push(nobodyKnown());
    const written = everyone.some(isWriting) || findings.some(isReadBack);
    return conclude(written ? findings.map(ownRights) : findings, left, performance.now() - began);
  } finally {
    await opened?.end();
  }
}

/** What cannot be an address is a finding, not an error of the doctor's. */
function openPool(url: string | undefined): { pool?: pg.Pool; trouble?: DatabaseFindings } {
  if (!url || badAddress(url).length > 0)
    return badAddress(url).length > 0 ? { trouble: { findings: [], session: undefined } } : {};
  try {
    const pool = createPool(url, {
      applicationName: 'beacon doctor',
      max: 3,
      connectTimeoutMs: QUERY_WITHIN_MS,
      queryTimeoutMs: QUERY_WITHIN_MS,
    });
    return { pool };
  } catch (error) {
    const { message, hint } = error as BeaconError;
    const finding: Finding = {
      hop: 'endpoint',
      state: 'fault',
      fault: 'BAD_CONNECTION_STRING',
      summary: `DATABASE_URL: ${message}`,
      fix: hint,
    };
    return { trouble: { findings: [finding], session: undefined } };
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

/** Whether the probe of that service was read back. */
const isProven = (findings: Finding[]) => (report: ProcessReport) =>
  findings.some(({ hop, state, service }) => hop === 'committed' && state === 'good' && service === report.service);

function asNote(finding: Finding): Finding {
  const { fault: _, ...rest } = finding;
  return finding.state === 'fault' ? { ...rest, state: 'note' } : finding;
}

/** Sends a span to the endpoint. What others send there successfully says that it works for them. */
async function overOtlp(otlp: Exporter, pool: pg.Pool | undefined, left: Left): Promise<Finding[]> {
  const found = await examineOtlp(otlp, (traceId) => arrived(pool, traceId, left));
  const [fault] = found.filter(({ state }) => state === 'fault');
  const isOpen = fault?.fault === 'OTLP_NOT_STORED' || (fault?.fault === 'OTLP_WRONG_PROTOCOL' && otlp.protocolIsGuess);
  if (!fault || !isOpen || !(await comesIn(pool))) return found;
  const why =
    fault.fault === 'OTLP_NOT_STORED'
      ? 'spans of others are stored meanwhile, so a collector in between keeps, samples or filters spans'
      : 'no protocol is set, and spans are stored meanwhile: the SDK in use (of Python or .NET, perhaps) has another default';
  return found.map((one) => (one === fault ? { ...asNote(one), summary: `${one.summary}; ${why}` } : one));
}

/** A role that may only read, and a replica, keep the doctor from writing, and no tracer. */
function ownRights(finding: Finding): Finding {
  const isOwn = finding.service === undefined && (finding.fault === 'NO_RIGHT' || finding.fault === 'READ_ONLY');
  if (!isOwn) return finding;
  return { ...asNote(finding), summary: `the doctor itself: ${finding.summary}; spans are written all the same` };
}

const isReadBack = ({ hop, state, service, summary }: Finding) =>
  hop === 'committed' && state === 'good' && (service !== undefined || /^OTLP:/.test(summary));

const isWriting = ({ tracing }: ProcessReport) =>
  tracing?.enabled === true && tracing.spansWritten > 0 && tracing.lastError === null;

/** What is wrong with others is worth knowing, and no fault of what was asked about. */
function asked(finding: Finding, reports: ProcessReport[]): Finding {
  return reports.some(({ service }) => service === finding.service) ? finding : asNote(finding);
}

/** A connection string that was copied with what stood around it. */
function badAddress(url: string | undefined): Finding[] {
  if (url === undefined || !/^\s*["'`]|["'`]\s*$/.test(url)) return [];
  return [
    {
      hop: 'endpoint',
      state: 'fault',
      fault: 'BAD_CONNECTION_STRING',
      summary: 'DATABASE_URL has quotes around it, which belong to no address',
      evidence: { first_character: url.trim()[0], last_character: url.trim().at(-1) },
      fix: 'Take the quotes out: a file for --env-file of docker, systemd or a platform keeps them as they are.',
    },
  ];
}

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
    isMended: (error) => isMended(pool, error),
    async tracerRow(tracerId) {
      if (!pool) return undefined;
      const { rows } = await pool.query('select started_at from beacon.tracers where tracer_id = $1', [tracerId]);
      return rows[0] ? { startedAt: rows[0].started_at } : null;
    },
  };
}
