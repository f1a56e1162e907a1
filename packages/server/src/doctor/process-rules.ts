// What is wrong with one process, by what it says of itself. The first broken hop is the answer; later ones follow from it.
import * as os from 'node:os';
import { entered } from './entered.ts';
import type { Shell } from './environment.ts';
import type { Finding } from './finding.ts';
import type { ProcessReport, TracingHealth } from './processes.ts';
import { explainTrouble } from './write-trouble.ts';

/** What the rules need to know besides the report. */
export interface Around {
  shell: Shell;
  /** Executions that ended without a trace since a moment; undefined where the database cannot tell. */
  untracedSince(moment: Date): Promise<{ untraced: number; ids: string[] } | undefined>;
  /** When the tracer's row was made, and its last counters; null when this database has never heard of it. */
  tracerRow(tracerId: string): Promise<{ startedAt: Date } | null | undefined>;
  /** Newest span stored under that service name within a day, from any sender; null when there is none. */
  newestSpanOf(service: string): Promise<Date | null | undefined>;
  /** Whether the database no longer refuses what that error says it refused. */
  isMended(error: string): Promise<boolean>;
  /** Database and host the doctor reads. */
  reads: string | null;
  /** Spans that are really there. */
  spansHere: number | null;
}

const CLOCK_LIMIT_MS = 5_000;
// Below it, a given trace is most likely missing.
const KEEPS_ENOUGH = 0.1;
const ON = ['true', '1', 'on', 'yes'];
const OFF = ['false', '0', 'off', 'no', '', '<unset>'];

/** Findings about one process, the good ones too. */
export async function examineProcess(report: ProcessReport, around: Around): Promise<Finding[]> {
  const { service } = report;
  const configuration = missingSettings(report);
  if (!report.answers) {
    return [
      {
        hop: 'flag',
        state: 'unknown',
        service,
        summary: `${service} at ${report.url} does not answer: ${report.trouble}`,
        fix: 'Start it, or correct --url.',
      },
    ];
  }
  if (!report.tracing) {
    const newest = await around.newestSpanOf(service);
    return [...configuration, newest ? sentByAnother(service, newest) : notConstructed(report, around.shell)];
  }
  const { tracing } = report;
  if (!tracing.enabled) return [...configuration, flagOff(report, tracing, around.shell)];
  const good: Finding[] = [
    {
      hop: 'flag',
      state: 'good',
      service,
      summary: `ENABLE_DB_TRACING is "${tracing.flag}" in the running process (from ${tracing.flagSource})`,
    },
  ];
  for (const rule of [sdk, tooMuch, writing, otherDatabase, clock, entered]) {
    const found = await rule(report, tracing, around);
    if (found?.state === 'fault') return [...configuration, ...good, found];
    if (found) good.push(found);
  }
  return [...configuration, ...good];
}

function missingSettings({ service, status, url }: ProcessReport): Finding[] {
  return Object.entries(status)
    .filter(([, value]) => value === 'not configured')
    .map(([name]) => ({
      hop: 'configuration' as const,
      state: 'fault' as const,
      fault: 'SETTING_MISSING',
      service,
      summary: `${service} does not know where its ${name} is: every execution fails before it gets there`,
      evidence: { [`GET ${url}/health`]: `${name}: not configured` },
      fix:
        name === 'router'
          ? `Set HYBRID_ROUTER_URL in the environment of the process ${service} and restart it.`
          : `Set the address of ${name} in the environment of ${service} and restart it.`,
    }));
}

/** An OpenTelemetry SDK without our tracer tells nothing over HTTP; its spans speak for it. */
function sentByAnother(service: string, newest: Date): Finding {
  return {
    hop: 'committed',
    state: 'good',
    service,
    summary: `it has no tracer of Beacon's, and its spans arrive all the same (newest ${newest.toISOString().slice(0, 19)}Z)`,
  };
}

function notConstructed({ service, url }: ProcessReport, shell: Shell): Finding {
  return {
    hop: 'flag',
    state: 'fault',
    fault: 'TRACER_NOT_CONSTRUCTED',
    service,
    summary: `${service} runs, and no tracer was ever constructed in it`,
    evidence: { [`GET ${url}/health/tracing`]: 'there is no such route', in_this_shell: shell.flagWords },
    fix: 'Call `await startTracing({ service })` first thing in its main module, serve tracer.health() at GET /health/tracing, and deploy that build.',
  };
}

function flagOff({ service }: ProcessReport, tracing: TracingHealth, shell: Shell): Finding {
  const value = tracing.flag.trim().toLowerCase();
  const seen = {
    in_the_process: `ENABLE_DB_TRACING=${tracing.flag} (from ${tracing.flagSource}; ${tracing.instance})`,
    in_this_shell: shell.flagWords,
    ...(shell.fileWords && { in_files: shell.fileWords }),
  };
  const base = { hop: 'flag' as const, state: 'fault' as const, service };
  if (ON.includes(value) && !tracing.database) {
    return {
      ...base,
      fault: 'DATABASE_URL_MISSING',
      summary: `${service} has the flag on but no DATABASE_URL, so tracing stays off`,
      evidence: seen,
      fix: 'Set DATABASE_URL in the environment of that process and restart it.',
    };
  }
  if (ON.includes(value)) {
    return {
      ...base,
      hop: 'endpoint',
      fault: 'BAD_CONNECTION_STRING',
      summary: `${service} has the flag on, and a DATABASE_URL that is not a connection URL, so tracing stays off`,
      evidence: { ...seen, database: tracing.database },
      fix: 'Write postgresql://user:password@host:5432/database: no quotes, no key=value list. A file for --env-file of docker keeps quotes as they are.',
    };
  }
  if (!OFF.includes(value)) {
    return {
      ...base,
      fault: 'FLAG_NOT_UNDERSTOOD',
      summary: `${service} was given ENABLE_DB_TRACING=${tracing.flag}, which is no accepted value, so tracing is off`,
      evidence: seen,
      fix: 'Use true, 1, on or yes, and restart it.',
    };
  }
  if (tracing.flagSource === 'option') {
    return {
      ...base,
      fault: 'FLAG_OFF',
      summary: `the code of ${service} switches tracing off: it passes the option flag to startTracing, which wins over the environment`,
      evidence: seen,
      fix: 'Take `flag` out of the options of startTracing (or pass "true") and deploy that build; ENABLE_DB_TRACING then decides.',
    };
  }
  const elsewhere = shell.flagOn ? ', although this shell has it on' : '';
  return {
    ...base,
    fault: 'FLAG_OFF',
    summary: `tracing is off in the running process of ${service}${elsewhere}`,
    evidence: seen,
    fix: 'Set ENABLE_DB_TRACING=true where that process gets its environment (unit file, container, platform secret) and restart it; setting it in a shell does not reach a process that runs already.',
  };
}

export type Rule = (
  report: ProcessReport,
  tracing: TracingHealth,
  around: Around,
) => Finding | undefined | Promise<Finding | undefined>;

/** API, provider, sampler: whether a span that is started is recorded, and handed to the tracer. */
const sdk: Rule = ({ service, probe }, { surroundings: s, attachedTo, stopped }) => {
  if (!s) return undefined;
  const base = { hop: 'sdk' as const, state: 'fault' as const, service };
  if (stopped) {
    return {
      ...base,
      fault: 'TRACER_SHUT_DOWN',
      summary: `${service} has shut its tracer down and goes on: what it does since then is not traced`,
      evidence: { in_the_process: 'tracer.shutdown() was called, or its provider was shut down' },
      fix: 'Call shutdown only where the process ends; to have spans written meanwhile, call `await tracer.flush()`.',
    };
  }
  const versions = (s.apiCopies ?? []).map(
    (copy) => `${copy.of}: ${copy.version}${copy.works ? '' : ' (its spans are not recorded)'}`,
  );
  const deaf = (s.apiCopies ?? []).filter(({ works }) => !works);
  if (deaf.length > 0) {
    return {
      ...base,
      fault: 'DUPLICATE_API',
      summary: `${service} loads more than one version of @opentelemetry/api, and the one of the ${deaf[0]?.of} cannot use what was registered`,
      evidence: { copies: versions, registered_by: s.apiRegistered, provider: s.provider },
      fix: 'Have one version of @opentelemetry/api: `npm ls @opentelemetry/api`, then `npm dedupe` or an override.',
    };
  }
  if (s.providerIsOurs === false) {
    if (s.provider === null || attachedTo === null) {
      return {
        ...base,
        fault: 'NO_PROVIDER',
        summary: `no TracerProvider that hands its spans to the tracer is registered in ${service}`,
        evidence: { provider: s.provider ?? 'none', attached_to: attachedTo ?? 'nothing' },
        fix: 'Register a TracerProvider before startTracing, or put tracer.processor into its spanProcessors.',
      };
    }
    return {
      ...base,
      fault: 'SECOND_PROVIDER',
      summary: `a second TracerProvider took the place of the one the tracer is attached to in ${service}`,
      evidence: { registered_now: s.provider, attached_to: attachedTo, probe_stored: probe?.written ?? false },
      fix: 'Register one TracerProvider, and call startTracing after it; or put `new BeaconSpanProcessor({ service })` into the second one as well.',
    };
  }
  const keeps = s.samplerKeeps ?? (probe?.traceId && !probe.sampled ? 0 : 1);
  if (keeps < KEEPS_ENOUGH) {
    const share = keeps === 0 ? 'every span' : `${Math.round(100 * (1 - keeps))} of 100 traces`;
    const { OTEL_TRACES_SAMPLER: named, OTEL_TRACES_SAMPLER_ARG: ratio } = s.environment ?? {};
    return {
      ...base,
      fault: 'SAMPLED_OUT',
      summary: `the sampler of ${service} drops ${share}`,
      evidence: {
        sampler: s.sampler ?? 'unknown',
        ...(named && {
          in_its_environment: `OTEL_TRACES_SAMPLER=${named}${ratio ? `, OTEL_TRACES_SAMPLER_ARG=${ratio}` : ''}`,
        }),
        probe: probe?.sampled ? 'made, and kept by chance' : 'made, not sampled',
      },
      fix: 'Set OTEL_TRACES_SAMPLER=parentbased_always_on, or the sampler in the code of that provider.',
    };
  }
  const { callers } = s;
  if (callers && callers.unsampled > 0 && callers.unsampled * 2 > callers.total) {
    return {
      ...base,
      fault: 'CALLER_DID_NOT_SAMPLE',
      summary: `the callers of ${service} decided against sampling: their traceparent ends in 00`,
      evidence: { requests_with_a_traceparent: callers.total, of_these_not_sampled: callers.unsampled },
      fix: 'Turn sampling on in the caller (or in the gateway before it), or use a sampler here that does not follow remote parents.',
    };
  }
  if (s.contextManager === false) {
    return {
      ...base,
      fault: 'NO_CONTEXT_MANAGER',
      summary: `no context manager is registered in ${service}: every span begins a trace of its own`,
      evidence: { provider: s.provider, context_survives_a_call: false },
      fix: 'Register one with the provider: provider.register(), or context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()).',
    };
  }
  return {
    hop: 'sdk',
    state: 'good',
    service,
    summary: `spans reach the tracer: ${attachedTo ?? 'by the provider of its process'}, sampler ${s.sampler?.replace(/, remoteParent.*/, ', …}') ?? 'of its own'}`,
  };
};

/** Spans that were dropped before or by the database. */
const tooMuch: Rule = async ({ service }, { spansDropped, spansWritten, lastError, database }, around) => {
  const base = { hop: 'accepted' as const, state: 'fault' as const, service };
  const evidence = { dropped: spansDropped, written: spansWritten, ...(lastError && { last_error: lastError }) };
  if ((spansDropped.rejected ?? 0) > 0 && !(await around.isMended(lastError ?? ''))) {
    if (/no partition of relation|23502|22P02|P0001/.test(lastError ?? '')) {
      const found = await explainTrouble(service, lastError ?? '', database);
      return { ...found, evidence: { ...found.evidence, ...evidence } };
    }
    return {
      ...base,
      fault: 'REFUSED',
      summary: `the database refused ${spansDropped.rejected} spans of ${service} for what they contain`,
      evidence,
      fix: 'The last error names the limit or constraint; make those attributes smaller, or lift it.',
    };
  }
  // While writes fail the buffer fills up; then the writes are the cause.
  if ((spansDropped.buffer_full ?? 0) > 0 && lastError === null) {
    return {
      ...base,
      fault: 'OVERFLOW',
      summary: `${service} makes spans faster than they are written: ${spansDropped.buffer_full} were dropped`,
      evidence,
      fix: 'Raise bufferSpans of startTracing, make fewer spans in a burst, or bring the database nearer.',
    };
  }
  return undefined;
};

/** In a container that is not the one the doctor runs in: its localhost is another. */
function isElsewhere({ surroundings: s, instance }: TracingHealth): boolean {
  return s?.inContainer === true && !instance.startsWith(`${os.hostname()}:`);
}

/** The last write failed, and none has succeeded since. */
const writing: Rule = async ({ service }, tracing) => {
  const { lastError, lastErrorAt, lastWrittenAt, writeFailures } = tracing;
  const failedLast = lastError !== null && (lastWrittenAt === null || (lastErrorAt ?? '') > lastWrittenAt);
  if (failedLast && (writeFailures > 0 || tracing.queueDepth > 0)) {
    const found = await explainTrouble(service, lastError, tracing.database, isElsewhere(tracing));
    return {
      ...found,
      evidence: { ...found.evidence, failed_writes: writeFailures, spans_waiting: tracing.queueDepth },
    };
  }
  return undefined;
};

/** It writes with success, but not into the database that is read. */
const otherDatabase: Rule = async ({ service, url }, tracing, around) => {
  if (url === null || !tracing.lastHeartbeatAt) return undefined;
  if ((await around.tracerRow(tracing.tracerId)) !== null) return undefined;
  return {
    hop: 'visible',
    state: 'fault',
    fault: 'WRONG_DATABASE',
    service,
    summary: `${service} writes into another database than the one that is read here`,
    evidence: {
      it_writes_to: tracing.database,
      read_here: around.reads,
      spans_it_has_written: tracing.spansWritten,
      spans_in_the_one_read_here: around.spansHere,
      its_heartbeat: 'succeeded, and is not in the tracers table read here',
    },
    fix: 'Give both the same DATABASE_URL: that of the process, or the one beacon reads.',
  };
};

const clock: Rule = ({ service }, { clockOffsetMs }) => {
  if (clockOffsetMs === null) return undefined;
  if (Math.abs(clockOffsetMs) < CLOCK_LIMIT_MS) {
    return {
      hop: 'visible',
      state: 'good',
      service,
      summary: `its clock is ${Math.abs(clockOffsetMs).toFixed(0)} ms from the database's`,
    };
  }
  const minutes = (clockOffsetMs / 60_000).toFixed(1);
  return {
    hop: 'visible',
    state: 'fault',
    fault: 'CLOCK_WRONG',
    service,
    summary: `the clock of ${service} is wrong by ${minutes} minutes: its spans lie outside the time that is searched`,
    evidence: {
      clock_offset_ms: Math.round(clockOffsetMs),
      process: `${clockOffsetMs > 0 ? 'ahead of' : 'behind'} the database`,
    },
    fix: 'Set the clock of that machine (NTP, chrony), then restart the process.',
  };
};
