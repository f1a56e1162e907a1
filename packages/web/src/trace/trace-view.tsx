// The page of a trace: verdict, picture, details.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { useKeys } from '../state/keys.ts';
import { executionHref, go, hrefTo, readUrl } from '../state/url.ts';
import { Loading } from '../ui/states.tsx';
import { fields, follow } from './address.ts';
import { Attempts, plain } from './attempts.tsx';
import { CompareTab } from './compare-tab.tsx';
import { FlameView } from './flame-view.tsx';
import { Header } from './header.tsx';
import { traceKeys } from './keys.ts';
import type { Source } from './load.ts';
import { Notices } from './notices.tsx';
import { PathView } from './path-view.tsx';
import { SelfView } from './self-view.tsx';
import { Session } from './session.ts';
import { SpanPanel } from './span-panel.tsx';
import { Toolbar } from './toolbar.tsx';
import { Untraced } from './untraced.tsx';
import { useTrace } from './use-trace.ts';
import { type Cause, Verdict } from './verdict.tsx';
import { WaterfallView } from './waterfall-view.tsx';

/** `above` stands below the verdict. `source` names the execution or trace of the address; of an execution, `?trace=` chooses the attempt. */
export function TraceView({ source, above }: { source: Source; above?: ComponentChildren }) {
  const attempt = readUrl(fields).trace;
  const shown: Source = attempt ? { trace_id: attempt } : source;
  return <OneTrace key={JSON.stringify(shown)} source={source} shown={shown} above={above} />;
}

function OneTrace({ source, shown, above }: { source: Source; shown: Source; above: ComponentChildren }) {
  const session = useMemo(() => new Session(), []);
  useLayoutEffect(() => follow(session), [session]);
  useKeys(
    'Trace',
    useMemo(() => traceKeys(session), [session]),
  );
  const { problem, live, reload } = useTrace(session, shown);
  const trace = session.trace.value;
  const [evidence, setEvidence] = useState<Cause | null>(takeEvidence);
  // Evidence of another attempt is shown once that attempt is here.
  useLayoutEffect(() => {
    if (!trace || !evidence) return;
    session.focusEvidence(evidence.span_ids ?? [], evidence);
    setEvidence(null);
  }, [trace, evidence, session]);
  if (!trace)
    return problem ? (
      <>
        {above}
        <Untraced source={shown} problem={problem} retry={reload} />
      </>
    ) : (
      <Loading what="the trace" />
    );
  const executionId = 'execution_id' in source ? source.execution_id : trace.header.execution_id;
  const openTrace = (traceId: string, cause: Cause | null = null) => {
    left = cause;
    const path = 'execution_id' in source ? executionHref(source.execution_id) : `/trace/${traceId}`;
    go(hrefTo(path, 'execution_id' in source ? { trace: plain(traceId) } : {}));
  };
  return (
    <div class="trace-page">
      <Header
        session={session}
        trace={trace}
        executionId={'execution_id' in source ? source.execution_id : null}
        live={live}
        onCompare={() => (session.tab.value = 'compare')}
      />
      {executionId !== null && trace.attempts.length > 1 && (
        <Attempts
          executionId={executionId}
          ids={trace.attempts}
          current={trace.traceId}
          onChoose={(id) => openTrace(id)}
        />
      )}
      <Verdict
        session={session}
        of={executionId === null ? { trace_id: trace.traceId } : { execution_id: executionId }}
        openTrace={openTrace}
      />
      {above}
      <Notices session={session} trace={trace} />
      <section class="panel trace-panel" aria-label="The trace">
        <Toolbar session={session} />
        <div class="trace-body">
          <div class="trace-main" id="trace-view" role="tabpanel" aria-label={session.tab.value}>
            {session.tab.value === 'waterfall' && <WaterfallView session={session} />}
            {session.tab.value === 'flame' && <FlameView session={session} />}
            {session.tab.value === 'self' && <SelfView session={session} />}
            {session.tab.value === 'path' && <PathView session={session} />}
            {session.tab.value === 'compare' && <CompareTab session={session} executionId={executionId} />}
          </div>
          {session.panel.value && session.tab.value === 'waterfall' && <SpanPanel session={session} />}
        </div>
      </section>
    </div>
  );
}

/** Whose evidence to mark on the attempt that is opened next. */
let left: Cause | null = null;

function takeEvidence(): Cause | null {
  const taken = left;
  left = null;
  return taken;
}
