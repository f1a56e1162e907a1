// Idle time: where nothing starts, nothing ends, and whatever is open waits or works without saying so.
import type { Trace } from './model.ts';

/** Microseconds from the start of the trace. */
export interface Gap {
  from: number;
  to: number;
}

/** Shorter ones (as a share of the trace) are better seen than described. */
const WORTH = 0.06;

/**
 * Stretches in which no span without children runs and no span starts or ends, in order of time: waiting between retries,
 * in a queue, or work that is not instrumented. A long leaf (a call that hangs) is not a gap, nor is the end of a trace that
 * still runs: what happens there is not known yet.
 */
export function idleGaps(trace: Pick<Trace, 'count' | 'start' | 'end' | 'size' | 'total' | 'open'>): Gap[] {
  // A leaf opens at its start and closes at its end; what has children marks both moments without being work itself.
  // Opened and closed are sorted apart: how many are open needs no pairs, and numbers alone sort without a comparison.
  let parents = 0;
  for (let row = 0; row < trace.count; row++) if (trace.size[row]! > 1) parents++;
  const opened = new Float64Array(trace.count + parents);
  const closed = new Float64Array(trace.count + parents);
  let at = 0;
  for (let row = 0; row < trace.count; row++) {
    const leaf = trace.size[row] === 1;
    opened[at] = trace.start[row]!;
    closed[at++] = leaf ? trace.end[row]! : trace.start[row]!;
    if (leaf) continue;
    opened[at] = trace.end[row]!;
    closed[at++] = trace.end[row]!;
  }
  opened.sort();
  closed.sort();
  const gaps: Gap[] = [];
  const worth = trace.total * WORTH;
  for (let n = 1; n < opened.length; n++) {
    // All that opened before has closed: nothing was open between the last end and this start.
    const from = closed[n - 1]!;
    const to = opened[n]!;
    if (to - from >= worth && !(trace.open > 0 && to >= trace.total)) gaps.push({ from, to });
  }
  return gaps;
}
