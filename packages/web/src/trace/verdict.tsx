// Why it failed, in one sentence, with what the sentence rests on.
import { useAsk } from '../state/resource.ts';
import { announce } from '../ui/announce.tsx';
import { Service } from '../ui/bits.tsx';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { Evidence } from './evidence.tsx';
import type { Session } from './session.ts';
import { durationText, plural } from './words.ts';

/** A row of `root-cause`. */
export interface Cause {
  rank: number;
  type: string;
  service: string | null;
  operation: string | null;
  confidence: number;
  summary: string;
  evidence: Record<string, unknown>;
  recommendation: string | null;
  trace_id: string | null;
  span_ids: string[] | null;
}

interface Props {
  session: Session;
  executionId: string;
  /** Goes to another attempt, for evidence that lies there. */
  openTrace: (traceId: string, spans: string[]) => void;
}

export function Verdict({ session, executionId, openTrace }: Props) {
  const params = { execution_id: executionId };
  const live = (session.trace.value?.open ?? 0) > 0;
  const causes = useAsk('root-cause', params, { every: live ? 3000 : undefined });
  return (
    <Panel title="Verdict" operation="root-cause" params={params} leftOut={causes.value?.leftOut}>
      <Loaded resource={causes} what="the verdict">
        {({ rows }) => {
          const [first, ...others] = rows as unknown as Cause[];
          if (!first) return <Healthy session={session} />;
          return (
            <>
              <Sentence cause={first} />
              <Rests cause={first} session={session} openTrace={openTrace} />
              {others.length > 0 && <Others causes={others} session={session} openTrace={openTrace} />}
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Sentence({ cause }: { cause: Cause }) {
  return (
    <div class="verdict">
      <p class="verdict-summary">
        <span class="verdict-glyph" aria-hidden="true">
          ×
        </span>
        {cause.summary}
      </p>
      {cause.recommendation && (
        <p class="verdict-do">
          <strong>What to do: </strong>
          {cause.recommendation}
        </p>
      )}
    </div>
  );
}

function Rests({ cause, session, openTrace }: { cause: Cause } & Pick<Props, 'session' | 'openTrace'>) {
  return (
    <>
      <div class="verdict-facts">
        <span class="tag bad">{cause.type}</span>
        <Confidence value={cause.confidence} />
        {cause.service && (
          <span>
            <Service name={cause.service} /> {cause.operation}
          </span>
        )}
        <ShowSpans cause={cause} session={session} openTrace={openTrace} />
      </div>
      <Evidence evidence={cause.evidence} />
    </>
  );
}

function ShowSpans({ cause, session, openTrace }: { cause: Cause } & Pick<Props, 'session' | 'openTrace'>) {
  const ids = cause.span_ids ?? [];
  if (ids.length === 0) return null;
  const traceId = cause.trace_id?.replaceAll('-', '') ?? '';
  const here = session.trace.value?.traceId.replaceAll('-', '') === traceId;
  return (
    <button
      type="button"
      onClick={() => {
        if (!here) return openTrace(traceId, ids);
        const shown = session.focusEvidence(ids);
        announce(shown > 0 ? `${plural(shown, 'span')} of the evidence marked.` : 'The spans of the evidence are no longer in this trace.');
      }}
    >
      Show the {ids.length === 1 ? 'span' : `${ids.length} spans`} it rests on{here ? '' : ', in another attempt'}
    </button>
  );
}

function Confidence({ value }: { value: number }) {
  const percent = Math.round(value * 100);
  return (
    <span class="confidence">
      <span class="confidence-bar" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      {percent} % sure
    </span>
  );
}

function Others({ causes, session, openTrace }: { causes: Cause[] } & Pick<Props, 'session' | 'openTrace'>) {
  const [next] = causes;
  return (
    <details class="verdict-others">
      <summary>
        Also possible: {next?.type}
        {next?.service ? ` of ${next.service}` : ''} ({Math.round((next?.confidence ?? 0) * 100)} %)
        {causes.length > 1 ? ` and ${causes.length - 1} more` : ''}
      </summary>
      {causes.map((cause) => (
        <div class="verdict-other" key={cause.rank}>
          <p>{cause.summary}</p>
          {cause.recommendation && <p class="dim">{cause.recommendation}</p>}
          <Rests cause={cause} session={session} openTrace={openTrace} />
        </div>
      ))}
    </details>
  );
}

/** No diagnosis found anything. */
function Healthy({ session }: { session: Session }) {
  const trace = session.trace.value;
  if (!trace) return <p class="verdict-summary">No diagnosis found a cause.</p>;
  const { error_count: errors } = trace.header;
  return (
    <div class="verdict healthy">
      <p class="verdict-summary">
        <span class="verdict-glyph ok" aria-hidden="true">
          ✓
        </span>
        {trace.open > 0
          ? `Still running, and nothing is wrong so far: ${plural(trace.count, 'span')} in ${durationText(trace.total)}.`
          : `Nothing is wrong: ${plural(trace.count, 'span')} in ${durationText(trace.total)}, and no diagnosis found a cause.`}
      </p>
      {errors > 0 && (
        <p class="verdict-do">
          {plural(errors, 'span')} failed and the execution coped with it. Press <kbd>e</kbd> to see {errors === 1 ? 'it' : 'them'}.
        </p>
      )}
    </div>
  );
}
