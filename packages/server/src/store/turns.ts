// A few at once, the others after them: what is slow must not take every connection from what is quick.
import { BeaconError } from './errors.ts';

export interface LimitOptions {
  /** What is done, in the plural: `statements`. */
  what: string;
  /** How many may be under way. */
  atOnce: number;
  /** Milliseconds to wait for a turn. */
  patienceMs: number;
}

interface Line {
  running: number;
  waiting: Array<() => void>;
}

const lines = new WeakMap<object, Line>();

/**
 * Does `work` when it is its turn, in order of arrival.
 *
 * @param of What has a line of its own: a pool, a server.
 * @throws BeaconError `busy` when it did not get its turn in time; the reason of `signal` when the caller has gone away.
 */
export async function limited<T>(
  of: object,
  options: LimitOptions,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const line = lines.get(of) ?? { running: 0, waiting: [] };
  lines.set(of, line);
  if (line.running >= options.atOnce) await place(line, options, signal);
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

function place(line: Line, { what, atOnce, patienceMs }: LimitOptions, signal: AbortSignal): Promise<void> {
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
            `${atOnce} ${what} are running, and none of them ended within ${patienceMs / 1000} s.`,
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
