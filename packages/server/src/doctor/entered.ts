// Why a process whose tracer works has made no span, although executions passed.
import type { Rule } from './process-rules.ts';
import type { TracingHealth } from './processes.ts';

const ownSpans = (tracing: TracingHealth) => tracing.spansStarted - (tracing.surroundings?.probes ?? 0);

const EXIT_FIX =
  'Call `await tracer.shutdown()` before process.exit(), and in the handler of SIGTERM; a serverless function flushes before it returns.';

/** Everything works and no span was made, although executions passed. */
export const entered: Rule = async ({ service, isGone }, tracing, around) => {
  if (ownSpans(tracing) > 0 || !tracing.surroundings) return undefined;
  const row = await around.tracerRow(tracing.tracerId);
  const since = row ? await around.untracedSince(row.startedAt) : undefined;
  if (!since) return { hop: 'sdk', state: 'note', service, summary: `${service} has made no span yet` };
  if (since.untraced === 0) {
    return { hop: 'sdk', state: 'good', service, summary: 'it has made no span yet, and nothing that ran lacks one' };
  }
  const { surroundings: s } = tracing;
  if (isGone) {
    return {
      hop: 'committed',
      state: 'fault',
      fault: 'EXIT_BEFORE_FLUSH',
      service,
      summary: `${service} ended before its spans were written`,
      evidence: {
        process: `${tracing.instance} is gone`,
        stopped_in_order: false,
        executions_without_a_trace_since_it_started: since.untraced,
        some_of_them: since.ids,
      },
      fix: EXIT_FIX,
    };
  }
  const evidence = {
    spans_started: 0,
    executions_without_a_trace_since_it_started: since.untraced,
    some_of_them: since.ids,
  };
  if ((tracing.spansNotRecorded ?? 0) > 0) {
    return {
      hop: 'sdk',
      state: 'fault',
      fault: 'SAMPLED_OUT',
      service,
      summary: `the sampler of ${service} keeps a span that is made to test it, and none that the program makes`,
      evidence: { ...evidence, made_and_not_recorded: tracing.spansNotRecorded, sampler: s.sampler ?? 'unknown' },
      fix: 'Look at the rules of that sampler, which go by names or attributes; and for context.with(suppressTracing(…)) around the work.',
    };
  }
  if (s.environment?.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') {
    return {
      hop: 'sdk',
      state: 'fault',
      fault: 'SDK_DISABLED',
      service,
      summary: `OTEL_SDK_DISABLED=true in the process of ${service}: its OpenTelemetry SDK registers nothing and instruments nothing`,
      evidence: { ...evidence, in_its_environment: 'OTEL_SDK_DISABLED=true' },
      fix: 'Unset OTEL_SDK_DISABLED where that process gets its environment, and restart it.',
    };
  }
  if (s.entry === 'esm' && s.requireIsPatched && !s.preloaded) {
    return {
      hop: 'sdk',
      state: 'fault',
      fault: 'ESM_WITHOUT_IMPORT',
      service,
      summary: `${service} is an ES module, and its instrumentations were loaded too late to see what it imports`,
      evidence: {
        ...evidence,
        program: 'ES module',
        '--import': 'not given',
        waiting_for: 'require, which imports never call',
      },
      fix: 'Start it with `node --import ./instrumentation.mjs app.mjs`, where instrumentation.mjs registers the loader hook of @opentelemetry/instrumentation before anything else.',
    };
  }
  if (s.requireIsPatched && (s.loadedBefore ?? []).length > 0) {
    return {
      hop: 'sdk',
      state: 'fault',
      fault: 'LOADED_TOO_LATE',
      service,
      summary: `${service} loaded ${s.loadedBefore?.slice(0, 5).join(', ')} before the instrumentation that should have patched them`,
      evidence: { ...evidence, program: s.entry, loaded_before_the_instrumentation: s.loadedBefore },
      fix: 'Load the instrumentation first: `node --require ./instrumentation.cjs app.cjs` (or --import), or as the first line of the main module.',
    };
  }
  return {
    hop: 'sdk',
    state: 'fault',
    fault: 'CODE_NOT_ENTERED',
    service,
    summary: `the tracer of ${service} works, but the code that makes spans was never entered`,
    evidence,
    fix: 'Look at which code handled those executions: another process, an older build, or a path without withSpan or startSpan.',
  };
};
