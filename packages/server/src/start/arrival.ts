// Spans reach the database with the next flush of each service; a report that came sooner would show half a trace.

interface Counters {
  enabled: boolean;
  spansStarted: number;
  spansWritten: number;
  spansDropped: Record<string, number>;
}

const ARRIVAL_MS = 8_000;
const POLL_MS = 100;

/**
 * Waits until the services have written (or counted as lost) what they had begun when this was called; for at most 8 s.
 * A service whose tracing is off has nothing to wait for.
 */
export async function untilSpansWritten(urls: string[], signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + ARRIVAL_MS;
  await Promise.all(
    urls.map(async (url) => {
      let begun: number | undefined;
      while (Date.now() < deadline) {
        const { enabled, spansStarted, spansWritten, spansDropped } = await countersOf(url, signal);
        begun ??= spansStarted;
        const dropped = Object.values(spansDropped).reduce((sum, count) => sum + count, 0);
        if (!enabled || spansWritten + dropped >= begun) return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }),
  );
}

async function countersOf(url: string, signal: AbortSignal): Promise<Counters> {
  const response = await fetch(`${url}/health/tracing`, { signal });
  return (await response.json()) as Counters;
}
