// DB_TRACING_DEBUG=true: what a person who looks for spans at night wants to see in the log of the process.

interface Counters {
  written: number;
  failures: number;
  lastError: string | null;
}

export function wantsDebug(env: NodeJS.ProcessEnv): boolean {
  return /^\s*(?:true|1|on|yes)\s*$/i.test(env.DB_TRACING_DEBUG ?? '');
}

export function spanLine(service: string, operation: string, enabled: boolean): string {
  return `DBTracer: StartSpan called: service=${service}, operation=${operation}, enabled=${enabled}`;
}

const LOOKS_EVERY_MS = 100;

/** Says once what became of the first write. */
export function sayFirstWrite(counters: () => Counters, log: (line: string) => void): void {
  const began = performance.now();
  const timer = setInterval(() => {
    const { written, failures, lastError } = counters();
    if (written === 0 && failures === 0) return;
    clearInterval(timer);
    process.off('exit', look);
    say(written, lastError);
  }, LOOKS_EVERY_MS);
  timer.unref();
  const say = (written: number, lastError: string | null) => {
    const after = `${((performance.now() - began) / 1_000).toFixed(1)} s after the start`;
    log(
      written > 0
        ? `DBTracer: first write: ${written} ${written === 1 ? 'span' : 'spans'} committed, ${after}`
        : `DBTracer: first write failed, ${after}: ${lastError}`,
    );
  };
  // A script may be over before the timer looks.
  const look = () => {
    const { written, failures, lastError } = counters();
    if (written > 0 || failures > 0) say(written, lastError);
    else log('DBTracer: first write: none, the process ends before a span was written');
  };
  process.once('exit', look);
}
