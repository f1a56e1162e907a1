// Loads a trace into a session, and again while it grows.
import { useEffect, useState } from 'preact/hooks';
import { ask, type Problem } from '../state/api.ts';
import { asProblem } from '../state/resource.ts';
import { epoch } from '../state/token.ts';
import type { Segment } from './draw.ts';
import { loadTrace, type Source } from './load.ts';
import { idOf, rowOfId, type Trace } from './model.ts';
import type { Session } from './session.ts';

/** How long a trace that has no end yet rests between two looks; large ones longer, by what loading them takes. */
const AGAIN_MS = 1000;
const AGAIN_TIMES = 5;

export interface TraceState {
  loading: boolean;
  problem: Problem | undefined;
  /** Whether it is looked at again and again. */
  live: boolean;
  reload: () => void;
}

export function useTrace(session: Session, source: Source): TraceState {
  const [state, setState] = useState<Omit<TraceState, 'reload'>>({ loading: true, problem: undefined, live: false });
  const [round, setRound] = useState(0);
  const since = epoch.value;
  const key = JSON.stringify(source);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let etag: string | null = null;
    const look = async () => {
      const begun = performance.now();
      try {
        const loaded = await loadTrace(source, abort.signal, etag);
        if (abort.signal.aborted) return;
        if (loaded) {
          session.accept(loaded.trace);
          etag = loaded.etag;
          loadPath(session, loaded.trace, abort.signal);
        }
        const live = (session.trace.peek()?.open ?? 0) > 0;
        setState({ loading: false, problem: undefined, live });
        if (live) timer = setTimeout(again, AGAIN_MS + AGAIN_TIMES * (performance.now() - begun));
      } catch (error) {
        if (abort.signal.aborted) return;
        // A trace that is shown stays; while it grows, one look that failed is not the last.
        const growing = (session.trace.peek()?.open ?? 0) > 0;
        setState({ loading: false, problem: asProblem(error), live: growing });
        if (growing) timer = setTimeout(again, AGAIN_MS);
      }
    };
    const again = () =>
      document.hidden ? document.addEventListener('visibilitychange', again, { once: true }) : look();
    setState((before) => ({ ...before, loading: true }));
    look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, [key, since, round]);
  return { ...state, reload: () => setRound((n) => n + 1) };
}

const MAX_SEGMENTS = 5000;

/** Stretches of the critical path. Until they are here, and where they are too many, whole spans are underlined. */
async function loadPath(session: Session, trace: Trace, signal: AbortSignal): Promise<void> {
  const params = { trace_id: trace.traceId, limit: MAX_SEGMENTS };
  const answer = await ask('critical-path', params, { signal }).catch(() => null);
  if (!answer || answer.truncated || session.trace.peek() !== trace) return;
  const found = new Map<number, Segment[]>();
  for (const step of answer.rows) {
    const place = Number(step.position) - 1;
    const row =
      place < trace.count && idOf(trace, place) === step.span_id ? place : rowOfId(trace, String(step.span_id));
    if (row < 0) continue;
    const parts = found.get(row) ?? [];
    parts.push({ row, from: Number(step.from_ms) * 1000, to: Number(step.to_ms) * 1000 });
    found.set(row, parts);
  }
  session.segments.value = found;
}
