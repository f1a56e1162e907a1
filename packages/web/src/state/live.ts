// Spans as they are written, over server-sent events. Read by fetch, because an EventSource carries no token.
import { send } from './api.ts';

export interface LiveEvent {
  event: string;
  id: string | undefined;
  data: string;
}

const RETRY_MS = 1000;

/**
 * Listens until `signal` aborts; a broken connection is taken up again where it ended.
 *
 * @param onState `true` when connected, `false` when not.
 */
export async function listen(
  url: string,
  signal: AbortSignal,
  onEvent: (event: LiveEvent) => void,
  onState: (connected: boolean) => void,
): Promise<void> {
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      const response = await send(url, {
        signal,
        headers: { accept: 'text/event-stream', ...(last && { 'last-event-id': last }) },
      });
      onState(true);
      for await (const event of events(response.body as ReadableStream<Uint8Array>)) {
        last = event.id ?? last;
        onEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      onState(false);
      // A filter that cannot be read stays wrong however often it is sent.
      if ((error as { status?: number }).status === 400) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Events of a stream as the HTML standard's "server-sent events" describes them; comments are passed over. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value.replaceAll('\r\n', '\n');
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

function parse(block: string): LiveEvent | undefined {
  const fields: Record<string, string[]> = {};
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at <= 0) continue;
    const name = line.slice(0, at);
    fields[name] = [...(fields[name] ?? []), line.slice(at + 1).replace(/^ /, '')];
  }
  if (!fields.data) return undefined;
  return { event: fields.event?.[0] ?? 'message', id: fields.id?.[0], data: fields.data.join('\n') };
}
