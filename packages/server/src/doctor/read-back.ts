// Each probe span that was sent: found by its id, found by searching, and removed.
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { runQuery } from '../queries/run.ts';
import { search } from '../search/queries.ts';
import type { Finding } from './finding.ts';
import { type Guard, guards, swallowed } from './guards.ts';
import { askProbe, type Probe, type ProcessReport, type TracingHealth } from './processes.ts';

// A collector in between sends in batches.
const ARRIVES_WITHIN_MS = 5_000;
// A tracer makes one probe a second, and gives it to all who ask meanwhile.
const PROBE_EVERY_MS = 1_100;
const ATTEMPTS = 3;

/** Probes that were sent and not removed. */
export interface Left {
  /** In words. */
  behind: string[];
  /** Trace ids of probes that may still be written. */
  pending: string[];
}

/**
 * Reads the services' probes back and removes them.
 *
 * @param pool undefined: the database cannot be read.
 * @param before What was found so far: where a fault explains that a probe is missing, nothing more is said.
 */
export async function readBack(
  pool: pg.Pool | undefined,
  reports: ProcessReport[],
  before: Finding[],
  left: Left,
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const report of reports) {
    const { service, tracing, url } = report;
    let { probe } = report;
    // One that is not sampled, or goes to another provider, never comes here.
    if (!tracing || tracing.surroundings?.providerIsOurs === false) continue;
    for (let attempt = 1; probe?.traceId && probe.sampled; attempt++) {
      const of = pool && (await followed(pool, service, tracing, probe));
      const explained = !pool || before.some((one) => one.state === 'fault' && isExplaining(one, service));
      // Another doctor that examines the service at the same time gets the same probe, and may have removed it by now.
      if (of !== undefined || !probe.written || explained || attempt === ATTEMPTS) {
        if (of) await forget(pool as pg.Pool, probe.traceId, left);
        found.push(...(of ?? (await missing(pool, { service, tracing, probe }, explained, left))));
        break;
      }
      await pause(PROBE_EVERY_MS);
      probe = url === null ? undefined : await askProbe(url);
    }
  }
  return found;
}

/** A fault of the database itself explains the probes of all services. */
function isExplaining({ service, hop }: Finding, of: string): boolean {
  return service === of || (service === undefined && (hop === 'committed' || hop === 'endpoint'));
}

/** What was seen of a probe; undefined when it is not there. */
async function followed(
  pool: pg.Pool,
  service: string,
  tracing: TracingHealth,
  probe: Probe,
): Promise<Finding[] | undefined> {
  const began = performance.now();
  const span = await spanOf(pool, String(probe.traceId));
  if (!span) return undefined;
  const ms = Math.round(performance.now() - began);
  const seen = await searchFor(pool, service, tracing, span);
  if (seen.some(({ state }) => state === 'fault') && !(await spanOf(pool, span.trace_id))) return undefined;
  return [
    {
      hop: 'committed',
      state: 'good',
      service,
      summary: `its probe span was written the usual way (${Math.round(probe.milliseconds)} ms) and read back by its id (${ms} ms)`,
    },
    ...seen,
  ];
}

/** A probe that was sent and is not there. */
async function missing(
  pool: pg.Pool | undefined,
  { service, tracing, probe }: { service: string; tracing: TracingHealth; probe: Probe },
  explained: boolean,
  left: Left,
): Promise<Finding[]> {
  const traceId = String(probe.traceId);
  left.pending.push(traceId);
  const what = `trace ${traceId} with one span, beacon.probe`;
  if (!probe.written)
    left.behind.push(`${what}, waits in ${service}: once it is written, the next beacon doctor removes it`);
  else if (explained)
    left.behind.push(`${what}, in ${tracing.database ?? `the database of ${service}`}, which is not read here`);
  else return [notReadBack(service, traceId, await guards(pool))];
  return [];
}

function notReadBack(service: string, traceId: string, guards: Guard[]): Finding {
  const base = { hop: 'committed' as const, state: 'fault' as const, service };
  const evidence = { trace_id: traceId, ...(guards.length > 0 && { on_the_tables: guards.map(({ what }) => what) }) };
  if (guards.length === 0) {
    return {
      ...base,
      fault: 'NOT_READ_BACK',
      summary: `a span that ${service} says it has committed cannot be read back`,
      evidence,
      fix: 'Compare its DATABASE_URL with the one read here.',
    };
  }
  return { ...base, ...swallowed(`a span that ${service} says it has committed is not there`, guards), evidence };
}

interface StoredSpan {
  trace_id: string;
  service: string;
  started_at: Date;
}

async function searchFor(pool: pg.Pool, service: string, tracing: TracingHealth, span: StoredSpan): Promise<Finding[]> {
  const searched = await runQuery(pool, search, { service: tracing.service, from: '5m', limit: 1000 });
  if (searched.rows.some(({ trace_id }) => sameId(trace_id, span.trace_id)))
    return [{ hop: 'visible', state: 'good', service, summary: 'searching by service and time finds it too' }];
  // A wrong clock is a fault of its own, with a better name.
  if (Math.abs(tracing.clockOffsetMs ?? 0) >= 5_000) return [];
  const why =
    span.service === tracing.service ? 'its time lies outside' : `it is stored under the service "${span.service}"`;
  return [
    {
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
    },
  ];
}

function sameId(a: unknown, b: string): boolean {
  return String(a).replaceAll('-', '') === b.replaceAll('-', '');
}

async function spanOf(pool: pg.Pool, traceId: string): Promise<StoredSpan | undefined> {
  const { rows } = await pool.query(
    'select trace_id, service, started_at from beacon.trace_spans where trace_id = $1::uuid limit 1',
    [traceId],
  );
  return rows[0];
}

/** Whether a probe that went another way is in the database, after waiting for it a little; undefined without one. */
export async function arrived(pool: pg.Pool | undefined, traceId: string, left: Left): Promise<boolean | undefined> {
  const what = `trace ${traceId} with one span, beacon.probe`;
  if (!pool) {
    left.behind.push(`${what}, in the database behind that OTLP endpoint`);
    return undefined;
  }
  const deadline = performance.now() + ARRIVES_WITHIN_MS;
  while (!(await spanOf(pool, traceId))) {
    if (performance.now() > deadline) {
      left.pending.push(traceId);
      left.behind.push(`${what}, wherever that OTLP endpoint keeps it`);
      return false;
    }
    await pause(50);
  }
  await forget(pool, traceId, left);
  return true;
}

/** Whether spans that came over the network, not from a tracer of Beacon's, were stored in the last minutes. */
export async function comesIn(pool: pg.Pool | undefined): Promise<boolean> {
  const { rows } = (await pool?.query(
    `select 1 from beacon.trace_spans where tracer_id is null and operation <> 'beacon.probe' and service <> 'beacon doctor'
       and created_at > $1 and started_at > $2 limit 1`,
    [new Date(Date.now() - 120_000), new Date(Date.now() - 3_600_000)],
  )) ?? { rows: [] };
  return rows.length > 0;
}

async function forget(pool: pg.Pool, traceId: string, left: Left): Promise<void> {
  try {
    await pool.query('select beacon.doctor_forget($1::uuid)', [traceId]);
  } catch (error) {
    left.behind.push(`trace ${traceId} with one span, beacon.probe (${(error as Error).message})`);
  }
}

/** Removes probes of earlier examinations that were written late. A role that may not is no fault of the path. */
export async function forgetEarlier(pool: pg.Pool, pending: string[]): Promise<void> {
  await pool.query('select beacon.doctor_forget_earlier($1::uuid[])', [pending]).catch(() => {});
}
