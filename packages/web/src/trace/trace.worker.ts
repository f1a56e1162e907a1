// Parses and builds a trace away from the page, so that 100,000 spans do not hold up a click.
import { buffersOf, buildTrace, type Trace } from './model.ts';
import { type PackedTrace, unpack } from './wire.ts';

export type Built = { trace: Trace } | { error: string };

// A worker's own global; the page's types would say Window.
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ArrayBuffer>) => void;
  postMessage: (message: Built, transfer: ArrayBuffer[]) => void;
};

scope.onmessage = ({ data }) => {
  try {
    const trace = buildTrace(unpack(JSON.parse(new TextDecoder().decode(data)) as PackedTrace));
    scope.postMessage({ trace }, buffersOf(trace));
  } catch (error) {
    scope.postMessage({ error: (error as Error).message }, []);
  }
};
