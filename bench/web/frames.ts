// Frames of a page while something happens on it, from the browser's own trace.
import type { CDPSession, Page } from 'playwright-core';

/** Milliseconds. */
export interface Frames {
  count: number;
  /** Work of the main thread for a frame. */
  p50: number;
  p95: number;
  max: number;
  /** Time between two frames as the page sees them. */
  shownP95: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur?: number;
  pid: number;
  tid: number;
}

const CATEGORIES = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

export async function framesDuring(page: Page, work: () => Promise<void>): Promise<Frames> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES },
  });
  await work();
  await ended(session);
  await session.detach();
  return summary(events);
}

function ended(session: CDPSession): Promise<void> {
  const done = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  return session.send('Tracing.end').then(() => done);
}

/** Tasks in which animation frames ran: scripts, style, layout and paint of one frame are one task. */
function summary(events: TraceEvent[]): Frames {
  const animation = events.filter(({ name }) => name === 'FireAnimationFrame');
  const thread = animation[0];
  const mine = (event: TraceEvent) => event.pid === thread?.pid && event.tid === thread.tid;
  // Which of the two a browser gives depends on its version; where it gives both, they say the same twice.
  const kind = events.some(({ name }) => name === 'RunTask') ? 'RunTask' : 'ThreadControllerImpl::RunTask';
  const tasks = events
    .filter((event) => mine(event) && event.name === kind && event.dur !== undefined)
    .filter(({ ts, dur = 0 }) => animation.some((frame) => frame.ts >= ts && frame.ts <= ts + dur));
  const work = tasks.map(({ dur = 0 }) => dur / 1000).sort((a, b) => a - b);
  const starts = tasks.map(({ ts }) => ts).sort((a, b) => a - b);
  const between = starts
    .slice(1)
    .map((ts, n) => (ts - starts[n]!) / 1000)
    .sort((a, b) => a - b);
  return {
    count: work.length,
    p50: at(work, 0.5),
    p95: at(work, 0.95),
    max: work.at(-1) ?? Number.NaN,
    shownP95: at(between, 0.95),
  };
}

function at(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
