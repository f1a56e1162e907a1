// A receiver that keeps what programs export, as OTLP/JSON.
import * as http from 'node:http';
import type * as net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { LOGS, TRACES } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import type { LogsRequest, TracesRequest } from './otlp.ts';

export interface Captured {
  traces: TracesRequest[];
  logs: LogsRequest[];
}

export interface Capture {
  url: string;
  /** What has arrived since it was last taken. */
  take(): Captured;
  close(): Promise<void>;
}

/** Exporters send within this time, as the programs set them up. */
const QUIET_MS = 700;

/**
 * @param onDone Called when the program has asked for `/done/<failure>`, which ends that failure's recording, and nothing
 *   more of it arrives; the program waits for the answer.
 */
export async function startCapture(onDone: (failure: string, captured: Captured) => void): Promise<Capture> {
  let captured: Captured = { traces: [], logs: [] };
  let last = 0;
  const take = () => {
    const taken = captured;
    captured = { traces: [], logs: [] };
    return taken;
  };
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const sent = Buffer.concat(parts);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isJson = `${request.headers['content-type']}`.includes('json');
    const done = /^\/done\/(.+)$/.exec(`${request.url}`)?.[1];
    if (done) {
      last = Math.max(last, Date.now());
      while (Date.now() - last < QUIET_MS) await setTimeout(50);
      onDone(done, take());
    }
    last = Date.now();
    try {
      if (request.url === '/v1/traces') {
        captured.traces.push((isJson ? JSON.parse(body.toString()) : unpack(TRACES, body)) as TracesRequest);
      } else if (request.url === '/v1/logs') {
        captured.logs.push((isJson ? JSON.parse(body.toString()) : unpack(LOGS, body)) as LogsRequest);
      }
    } catch (error) {
      // A program that runs out of memory may send a request that cannot be read.
      console.error(`${request.url} cannot be read: ${error}`);
      response.writeHead(400).end();
      return;
    }
    // Metrics are taken and dropped: a program must not fail because of them.
    response.writeHead(200, { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' });
    response.end(isJson ? '{}' : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    take,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
