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

/** @param key Says what is asked; `null` asks nothing. A changed key asks again. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { every }: Options = {},
): Resource<T> {
  const [state, setState] = useState<{ value?: T; problem?: Problem; loading: boolean }>({ loading: key !== null });
  const [round, setRound] = useState(0);
  const since = epoch.value;
  useEffect(() => {
    if (key === null) {
      setState({ loading: false });
      return;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      try {
        const value = await load(abort.signal);
        if (!abort.signal.aborted) setState({ value, loading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, problem: asProblem(error), loading: false }));
      }
      if (every && !abort.signal.aborted) timer = setTimeout(again, every);
    };
    const again = () =>
      document.hidden ? document.addEventListener('visibilitychange', again, { once: true }) : run();
    setState(({ value, problem }) => ({ ...(value && { value }), ...(problem && { problem }), loading: true }));
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, [key, round, since, every]);
  return { value: state.value, problem: state.problem, loading: state.loading, reload: () => setRound((n) => n + 1) };
}

/** An operation's answer. `params` of `null` asks nothing. */
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
