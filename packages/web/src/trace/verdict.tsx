// Why it failed, in one sentence, with what the sentence rests on.
import { useAsk } from '../state/resource.ts';
import { announce } from '../ui/announce.tsx';
import { Service } from '../ui/bits.tsx';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { Evidence } from './evidence.tsx';
import { isFailure } from './model.ts';
import type { Session } from './session.ts';
import { durationText, plural } from './words.ts';

/** A row of `root-cause`. */
export interface Cause {
  rank: number;
  type: string;
  role: 'cause' | 'remark';
  service: string | null;
  operation: string | null;
  confidence: number;
  summary: string;
  evidence: Record<string, unknown>;
  recommendation: string | null;
  trace_id: string | null;
  span_ids: string[] | null;
}

/** Causes shown. */
const MAX = 20;

/** Pixels below which numbers wait to be asked for. */
const NARROW = 700;

interface Props {
  session: Session;
  /** Of what: an execution, or a trace that names none. */
  of: { execution_id: string } | { trace_id: string };
  /** Goes to another attempt, for evidence that lies there. */
  openTrace: (traceId: string, cause: Cause) => void;
}

export function Verdict({ session, of, openTrace }: Props) {
  const params = { ...of, limit: MAX };
  const live = (session.trace.value?.open ?? 0) > 0;
  const causes = useAsk('root-cause', params, { every: live ? 3000 : undefined });
  const rows = causes.value?.rows as unknown as Cause[] | undefined;
  const first = rows?.[0];
  const failed = isFailure(session.trace.value?.status[0] ?? 0);
  const title = !rows ? 'Verdict' : first ? <Sentence cause={first} failed={failed} /> : <Healthy session={session} />;
  return (
    <div class="verdict">
      <Panel
        title={title}
        query="root-cause"
        params={params}
        truncated={causes.value?.truncated}
        flush={rows?.length === 0}
      >
        <Loaded resource={causes} what="the verdict">
          {() =>
            first && (
              <>
                <Advice cause={first} />
                {'execution_id' in of && failed && <Cost id={of.execution_id} />}
                <Rests cause={first} session={session} openTrace={openTrace} />
                <Others causes={rows.slice(1)} session={session} openTrace={openTrace} />
              </>
            )
          }
        </Loaded>
        {rows && !first && <Coped session={session} />}
      </Panel>
    </div>
  );
}

/** What went well in the end had trouble, but no failure. */
function Sentence({ cause, failed }: { cause: Cause; failed: boolean }) {
  if (failed) return <Summary glyph="×" text={cause.summary} />;
  const coped = cause.role === 'remark' ? 'It went well in the end. On the way: ' : '';
  return <Summary glyph="!" text={`${coped}${cause.summary}`} />;
}

/** Drawn, because not every font has them. */
const SIGNS = { '×': 'cross', '✓': 'check', '?': 'question', '!': 'bang' } as const;

export function Summary({ glyph, text }: { glyph: '×' | '✓' | '?' | '!'; text: string }) {
  const kind = { '×': '', '✓': ' ok', '?': ' warn', '!': ' warn' }[glyph];
  return (
    <span class="verdict-summary">
      <span class={`verdict-glyph${kind}`} aria-hidden="true">
        <Icon name={SIGNS[glyph]} size={14} />
      </span>
      {text}
    </span>
  );
}

export function Advice({ cause }: { cause: Cause }) {
  if (!cause.recommendation) return null;
  return (
    <p class="verdict-do">
      <strong>What to do: </strong>
      {cause.recommendation}
    </p>
  );
}

/** What the same cause did to the whole job. */
function Cost({ id }: { id: string }) {
  const [row] = useAsk('outage-cost', { execution_id: id }).value?.rows ?? [];
  return row ? (
    <p class="verdict-do">
      <strong>What it cost: </strong>
      {row.said}
    </p>
  ) : null;
}

function Rests({ cause, session, openTrace }: { cause: Cause } & Pick<Props, 'session' | 'openTrace'>) {
  return (
    <>
      <div class="verdict-facts">
        <span class={`tag ${isFailure(session.trace.value?.status[0] ?? 0) ? 'bad' : 'warn'}`}>{cause.type}</span>
        <Confidence value={cause.confidence} />
        {cause.service && (
          <span>
            <Service name={cause.service} /> {cause.operation}
          </span>
        )}
        <ShowSpans cause={cause} session={session} openTrace={openTrace} />
      </div>
      {innerWidth > NARROW ? (
        <Evidence evidence={cause.evidence} said={cause.summary} />
      ) : (
        <details class="verdict-numbers">
          <summary>Evidence</summary>
          <Evidence evidence={cause.evidence} said={cause.summary} />
        </details>
      )}
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
        if (!here) return openTrace(traceId, cause);
        const shown = session.focusEvidence(ids, cause);
        announce(
          shown > 0
            ? `${plural(shown, 'span')} of the evidence marked.`
            : 'The spans of the evidence are no longer in this trace.',
        );
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
  if (!next) return null;
  return (
    <details class="verdict-others">
      <summary>
        Also possible: {next.type}
        {next.service ? ` of ${next.service}` : ''} ({Math.round(next.confidence * 100)} %)
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
  const trace = session.trace.value!;
  const size = `${plural(trace.count, 'span')} in ${durationText(trace.total)}`;
  if (trace.open > 0) return <Summary glyph="✓" text={`Still running, and nothing is wrong so far: ${size}.`} />;
  return <Summary glyph="✓" text={`Nothing failed: ${size}, and no diagnosis found anything wrong.`} />;
}

function Coped({ session }: { session: Session }) {
  const errors = session.trace.value?.header.error_count ?? 0;
  if (errors === 0) return null;
  return (
    <p class="verdict-do">
      {plural(errors, 'span')} failed, and the execution coped with it. Press <kbd>e</kbd> to see{' '}
      {errors === 1 ? 'it' : 'them'}.
    </p>
  );
}
