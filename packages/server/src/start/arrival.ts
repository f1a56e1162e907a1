// Spans reach the database with the next flush of each service; a report that came sooner would show half a trace.

interface Counters {
  enabled: boolean;
  spansEnded: number;
  spansWritten: number;
  spansDropped: Record<string, number>;
}

const ARRIVAL_MS = 8_000;
const POLL_MS = 100;

/** What answered last still has spans to end above it. */
const ENDING_MS = 250;

/**
 * Waits until the services have written (or counted as lost) the spans that had ended when this was called; for at most
 * 8 s. Open ones are not waited for: a call that hangs may never end. Nor is a service whose tracing is off.
 */
export async function untilSpansWritten(urls: string[], signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + ARRIVAL_MS;
  await new Promise((resolve) => setTimeout(resolve, ENDING_MS));
  await Promise.all(
    urls.map(async (url) => {
      let due: number | undefined;
      while (Date.now() < deadline) {
        const { enabled, spansEnded, spansWritten, spansDropped } = await countersOf(url, signal);
        due ??= spansEnded;
        const dropped = Object.values(spansDropped).reduce((sum, count) => sum + count, 0);
        if (!enabled || spansWritten + dropped >= due) return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }),
  );
}

async function countersOf(url: string, signal: AbortSignal): Promise<Counters> {
  const response = await fetch(`${url}/health/tracing`, { signal });
  return (await response.json()) as Counters;
}
