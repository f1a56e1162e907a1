// A receiver of alerts that keeps what it was sent, and answers as the test sets.
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface Received {
  path: string;
  headers: http.IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: three kinds of payloads, looked into by tests
  body: any;
  /** What it was answered; null where the connection was cut instead. */
  status: number | null;
  at: number;
}

export interface Receiver {
  url: string;
  received: Received[];
}

/** `answer` gives the status and, if need be, headers; null cuts the connection. */
export async function receiver(
  answer: (nth: number) => { status: number; headers?: Record<string, string> } | null,
): Promise<Receiver> {
  const received: Received[] = [];
  const server = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part;
    const said = answer(received.length);
    received.push({
      ...{ path: request.url ?? '', headers: request.headers, text, body: JSON.parse(text) },
      ...{ status: said?.status ?? null, at: Date.now() },
    });
    if (said) response.writeHead(said.status, said.headers).end();
    else request.socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}
