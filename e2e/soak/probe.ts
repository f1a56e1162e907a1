// A thread that asks a server for its health all the time, whatever the other threads do. Posts each answer's milliseconds, and
// how many of them the server's main thread worked: what is beyond, a busy machine took.
import * as fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const PAUSE_MS = 50;
/** The kernel counts in hundredths of a second. */
const TICK_MS = 10;
const { url, pid } = workerData as { url: string; pid: number };

function workedMs(): number {
  const fields = fs.readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

for (;;) {
  const from = performance.now();
  const worked = workedMs();
  const ok = await fetch(`${url}/health`, { signal: AbortSignal.timeout(30_000) }).then(
    async (response) => response.ok && (await response.arrayBuffer()) !== undefined,
    () => false,
  );
  parentPort!.postMessage({ ok, ms: performance.now() - from, worked: workedMs() - worked });
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
