// What a reader should know before trusting the picture, in words.
import type { ComponentChildren } from 'preact';
import type { Trace } from './model.ts';
import type { Session } from './session.ts';
import { durationText, plural } from './words.ts';

export function Notices({ session, trace }: { session: Session; trace: Trace }) {
  const { header } = trace;
  const clocks = Object.entries(header.corrected_clock_ms ?? {}).filter(([, ms]) => ms !== 0);
  const said: ComponentChildren[] = [];
  if (session.tooMany) {
    said.push(
      <>
        {plural(trace.count, 'span')}: this trace opened on its critical path. Everything is here;{' '}
        <button
          type="button"
          class="link"
          onClick={() => session.change({ only: session.view.value.only === 'all' ? 'critical' : 'all' })}
        >
          {session.view.value.only === 'all' ? 'show the critical path only' : 'show all spans'}
        </button>
        .
      </>,
    );
  }
  if (header.orphan_count > 0) {
    const many = header.orphan_count > 1;
    said.push(
      <>
        {plural(header.orphan_count, 'span')} {many ? 'name parents that were' : 'names a parent that was'} never
        received; {many ? 'they stand' : 'it stands'} at the left edge.{' '}
        <button type="button" class="link" onClick={() => seekNote(session, trace, 'orphan')}>
          Show {many ? 'the next one' : 'it'}
        </button>
      </>,
    );
  }
  for (const [service, ms] of clocks) {
    said.push(
      <>
        The clock of <strong>{service}</strong> was {durationText(Math.abs(ms) * 1000)} {ms > 0 ? 'behind' : 'ahead'},
        by the calls it answered: its spans are shown {ms > 0 ? 'later' : 'earlier'} by that much.
      </>,
    );
  }
  if (trace.open > 0) {
    said.push(
      <>
        {plural(trace.open, 'span')} {trace.open === 1 ? 'is' : 'are'} still running; this page follows.
      </>,
    );
  }
  if (said.length === 0) return null;
  return (
    <ul class="notices">
      {said.map((each, n) => (
        <li key={n}>
          <span aria-hidden="true">i</span>
          <p>{each}</p>
        </li>
      ))}
    </ul>
  );
}

function seekNote(session: Session, trace: Trace, word: string): void {
  const from = session.span();
  for (let n = 1; n <= trace.count; n++) {
    const row = (from + n) % trace.count;
    if (!trace.notes[trace.note[row]!]?.includes(word)) continue;
    session.goTo(row, { panel: true });
    return;
  }
}
