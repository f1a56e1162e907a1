// Answers of the server as state of a component: asked again when the question changes, aborted when it is no longer wanted.
import { useEffect, useState } from 'preact/hooks';
import { type Answer, ask, type Params, Problem } from './api.ts';
import type { Rows } from './rows.ts';
import { epoch } from './token.ts';

export interface Resource<T> {
  /** The newest answer; while another one loads, the one before. */
  value: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload(): void;
}

interface Options {
  /** Asks again after so many milliseconds, as long as the page is seen. */
  every?: number | undefined;
}

interface State<T> {
  /** What was asked; null for nothing. */
  of: string | null;
  value?: T;
  problem?: Problem;
  loading: boolean;
}

/** @param key Says what is asked; `null` asks nothing. A changed key asks again. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { every }: Options = {},
): Resource<T> {
  const [kept, setState] = useState<State<T>>({ of: key, loading: key !== null });
  const [round, setRound] = useState(0);
  const since = epoch.value;
  // Known in the render that asks something else, and not only after the effect that sends it.
  const isNew = kept.of !== key;
  const state: State<T> = key === null ? NOTHING : isNew ? { ...kept, loading: true } : kept;
  const answer = async (signal: AbortSignal) => {
    try {
      const value = await load(signal);
      if (!signal.aborted) setState({ of: key, value, loading: false });
    } catch (error) {
      if (!signal.aborted) setState((before) => ({ ...before, of: key, problem: asProblem(error), loading: false }));
    }
  };
  useEffect(() => {
    if (key === null) {
      setState(NOTHING);
      return;
    }
    const abort = new AbortController();
    setState((before) => ({ ...before, of: key, loading: true }));
    answer(abort.signal);
    return () => abort.abort();
  }, [key, round, since]);
  // Refreshing is not loading: what is shown stays as it is until there is something new.
  useEffect(() => {
    if (!every || key === null || state.loading) return;
    const abort = new AbortController();
    const look = () => (document.hidden ? whenSeen(look, abort.signal) : answer(abort.signal));
    const timer = setTimeout(look, every);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, every, kept]);
  const { value, problem, loading } = state;
  return { value, problem, loading, reload: () => setRound((n) => n + 1) };
}

const NOTHING = { of: null, loading: false };

function whenSeen(run: () => void, signal: AbortSignal): void {
  document.addEventListener('visibilitychange', run, { once: true, signal });
}

/** A query's answer. `params` of `null` asks nothing. */
export function useAsk<N extends keyof Rows>(
  name: N,
  params: Params | null = {},
  options: Options = {},
): Resource<Answer<Rows[N]>> {
  const key = params && JSON.stringify([name, params]);
  return useResource(key, (signal) => ask(name, params ?? {}, { signal }), options);
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({
    status: 0,
    code: 'internal',
    detail: `This page failed: ${(error as Error).message}`,
    hint: 'Reloading may help. It is a fault of Beacon: please report it.',
  });
}
