// What is shown, and the filter inside the trace.
import { useEffect } from 'preact/hooks';
import { ask } from '../state/api.ts';
import { announce } from '../ui/announce.tsx';
import { count } from '../ui/format.ts';
import { ElsewhereButton } from '../ui/panel.tsx';
import { type Gaps, type Session, TABS, type Tab, WHOLE } from './session.ts';
import { durationText, plural } from './words.ts';

const NAMES: Record<Tab, string> = {
  waterfall: 'Waterfall',
  flame: 'Flame',
  self: 'Own time',
  path: 'Critical path',
  compare: 'Compare',
};

export function Toolbar({ session }: { session: Session }) {
  const tab = session.tab.value;
  return (
    <div class="trace-tools">
      <div class="tabs" role="tablist" aria-label="Views of the trace" onKeyDown={(event) => walk(session, event)}>
        {TABS.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            aria-selected={tab === each}
            aria-controls="trace-view"
            tabIndex={tab === each ? 0 : -1}
            onClick={() => (session.tab.value = each)}
          >
            {NAMES[each]}
          </button>
        ))}
      </div>
      {tab === 'waterfall' && <Filter session={session} />}
      {tab === 'waterfall' && <Switches session={session} />}
      {tab !== 'path' && tab !== 'compare' && (
        <ElsewhereButton query="waterfall" params={{ trace_id: session.trace.value!.traceId }} />
      )}
    </div>
  );
}

function walk(session: Session, event: KeyboardEvent): void {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = TABS[(TABS.indexOf(session.tab.peek()) + step + TABS.length) % TABS.length]!;
  session.tab.value = next;
  (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]')[TABS.indexOf(next)]?.focus();
}

/** How many spans the database is asked for. */
const MAX = 5000;

function Filter({ session }: { session: Session }) {
  const found = session.found.value;
  const trace = session.trace.value!;
  const wanted = found.database.join(' ');
  useEffect(() => {
    session.matchingInDatabase.value = null;
    if (!wanted) return;
    const abort = new AbortController();
    const params = { q: `trace=${trace.traceId} ${wanted}`, from: trace.startedAt, limit: MAX };
    ask('spans', params, { signal: abort.signal }).then(
      ({ rows, truncated }) => {
        session.matchingInDatabase.value = new Set(rows.map((row) => row.span_id));
        if (truncated) announce(`Only the first ${count(MAX)} spans with ${wanted} are marked: ${truncated}`);
      },
      (error) => !abort.signal.aborted && announce(`${(error as Error).message}`),
    );
    return () => abort.abort();
  }, [wanted, trace, session]);
  const asking = wanted !== '' && session.matchingInDatabase.value === null;
  const matching = found.matches !== null;
  return (
    <search class="trace-filter">
      <input
        type="search"
        data-filter
        value={session.filter.value}
        placeholder="Filter: name, service=router, status=failed, duration>100ms"
        aria-label="Filter the spans of this trace"
        aria-invalid={found.error !== null}
        aria-describedby="trace-filter-says"
        onInput={({ currentTarget }) => (session.filter.value = currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur();
          if (event.key !== 'Enter') return;
          if (!session.next('match', event.shiftKey ? -1 : 1)) announce('Nothing matches.');
        }}
      />
      <span id="trace-filter-says" class={`trace-says ${found.error ? 'bad' : 'dim'}`} role="status">
        {found.error ?? (asking ? 'asking the database …' : matching ? place(session) : '')}
      </span>
      {matching && (
        <>
          <button
            type="button"
            class="small"
            aria-label="Match before"
            title="Match before (N)"
            onClick={() => session.next('match', -1)}
          >
            ‹
          </button>
          <button
            type="button"
            class="small"
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => session.next('match', 1)}
          >
            ›
          </button>
        </>
      )}
    </search>
  );
}

/** `3 of 17`, or `17 match`. */
function place(session: Session): string {
  const { matches, count: all } = session.found.value;
  const span = session.index.value < 0 ? -1 : session.span();
  if (!matches || all === 0) return 'nothing matches';
  if (span < 0 || !matches[span]) return `${count(all)} match`;
  let before = 0;
  for (let row = 0; row <= span; row++) before += matches[row]!;
  return `${count(before)} of ${count(all)}`;
}

function Switches({ session }: { session: Session }) {
  const trace = session.trace.value!;
  const view = session.view.value;
  const cut = session.axis.value.cuts;
  const groups = trace.groups.first.length;
  const zoomed = session.zoom.value.from > 0 || session.zoom.value.to < 1;
  return (
    <div class="trace-switches">
      {trace.header.error_count > 0 && (
        <button type="button" class="small errors" title="Next error (e)" onClick={() => session.next('error', 1)}>
          <span aria-hidden="true">×</span> {plural(trace.header.error_count, 'error')}
        </button>
      )}
      <select
        aria-label="Which spans"
        value={view.only}
        onChange={({ currentTarget }) => session.change({ only: currentTarget.value as typeof view.only })}
      >
        <option value="all">all spans</option>
        <option value="critical">critical path only</option>
        <option value="errors">errors only</option>
        <option value="matches">matches only</option>
      </select>
      {groups > 0 && (
        <button
          type="button"
          class="small"
          aria-pressed={view.fold}
          title="Show repeated siblings as one row"
          onClick={() => session.change({ fold: !view.fold })}
        >
          Fold repeats
        </button>
      )}
      {trace.gaps.length > 0 && (
        <button
          type="button"
          class="small"
          aria-pressed={cut.length > 0}
          title="Cut out time in which nothing starts, ends or works"
          onClick={() => (session.gaps.value = (cut.length > 0 ? 'keep' : 'cut') satisfies Gaps)}
        >
          Cut idle time ({durationText(trace.gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0))})
        </button>
      )}
      {view.focus && (
        <button
          type="button"
          class="small"
          title="Show the whole trace (f)"
          onClick={() => session.change({ focus: null })}
        >
          Whole trace
        </button>
      )}
      {zoomed && (
        <button
          type="button"
          class="small"
          title="Show the whole time (0)"
          onClick={() => (session.zoom.value = WHOLE)}
        >
          Reset zoom
        </button>
      )}
    </div>
  );
}
