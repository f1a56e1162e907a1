// Fetches a trace as columns and has it built in the worker.
import { type Problem, send } from '../state/api.ts';
import type { Trace } from './model.ts';
import type { Built } from './trace.worker.ts';
import workerUrl from './trace.worker.ts?worker';

/** Which trace: by its id, or the newest of an execution. */
export type Source = { trace_id: string } | { execution_id: string };

export interface LoadedTrace {
  trace: Trace;
  /** Given while the trace is at rest; `null` while it may still grow. */
  etag: string | null;
}

interface Pending {
  resolve: (trace: Trace) => void;
  reject: (error: Error) => void;
}

let worker: Worker | undefined;
/** Answers come in the order of the questions. */
const pending: Pending[] = [];

/**
 * @param etag of the version already loaded: `null` is returned when the server has no other.
 * @throws Problem, with status 404 where there is no trace.
 */
export async function loadTrace(
  source: Source,
  signal: AbortSignal,
  etag: string | null = null,
): Promise<LoadedTrace | null> {
  const query = new URLSearchParams({ ...source });
  try {
    const response = await send(`/api/v1/trace-columns?${query}`, {
      signal,
      headers: etag ? { 'if-none-match': etag } : {},
    });
    const data = await response.arrayBuffer();
    // Named times, for measuring: npm run bench:web uses them.
    performance.mark('trace-arrived');
    return { trace: await build(data), etag: response.headers.get('etag') };
  } catch (error) {
    if ((error as Problem).status === 304) return null;
    throw error;
  }
}

function build(data: ArrayBuffer): Promise<Trace> {
  worker ??= startWorker();
  return new Promise((resolve, reject) => {
    pending.push({ resolve, reject });
    worker?.postMessage(data, [data]);
  });
}

function startWorker(): Worker {
  const started = new Worker(workerUrl, { type: 'module' });
  started.onmessage = ({ data }: MessageEvent<Built>) => {
    const asked = pending.shift();
    if ('trace' in data) asked?.resolve(data.trace);
    else asked?.reject(new Error(`the trace could not be read: ${data.error}`));
  };
  started.onerror = (event) => {
    worker = undefined;
    started.terminate();
    for (const { reject } of pending.splice(0)) reject(new Error(`the trace could not be built: ${event.message}`));
  };
  return started;
}
