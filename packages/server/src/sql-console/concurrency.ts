// A few at once, the others after them: what is slow must not take every connection from what is quick.
import type pg from 'pg';
import { BeaconError } from '../store/errors.ts';

export interface LimitOptions {
  /** How many may be under way. */
  atOnce: number;
  /** Milliseconds to wait for a turn. */
  patienceMs: number;
}

interface Line {
  running: number;
  waiting: Array<() => void>;
}

const lines = new WeakMap<pg.Pool, Line>();

/**
 * Does `work` when it is its turn, in order of arrival.
 *
 * @throws BeaconError `busy` when it did not get its turn in time; the reason of `signal` when the caller has gone away.
 */
export async function limited<T>(
  pool: pg.Pool,
  { atOnce, patienceMs }: LimitOptions,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const line = lines.get(pool) ?? { running: 0, waiting: [] };
  lines.set(pool, line);
  if (line.running >= atOnce) await place(line, atOnce, patienceMs, signal);
  else line.running += 1;
  try {
    return await work();
  } finally {
    // The next one takes the place over, so that no newcomer gets in before it.
    const next = line.waiting.shift();
    if (next) next();
    else line.running -= 1;
  }
}

function place(line: Line, atOnce: number, patienceMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (why: unknown) => {
      line.waiting = line.waiting.filter((each) => each !== go);
      stop();
      reject(why);
    };
    const gone = () => leave(signal.reason);
    const timer = setTimeout(
      () =>
        leave(
          new BeaconError(
            'busy',
            `${atOnce} statements are running, and none of them ended within ${patienceMs / 1000} s.`,
            'Send it again later, or stop one of them.',
          ),
        ),
      patienceMs,
    );
    const stop = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
    };
    const go = () => {
      stop();
      resolve();
    };
    signal.addEventListener('abort', gone, { once: true });
    line.waiting.push(go);
  });
}
