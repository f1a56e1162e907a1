// GET /api/v1/live: spans as they are committed, as server-sent events.
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import { filterParam } from '../filter/param.ts';
import { type Batch, Tail, type TailOptions } from '../live/tail.ts';
import { BeaconError } from '../store/errors.ts';
import { problemOf } from './problems.ts';

export interface LiveOptions extends TailOptions {
  /** Bytes that may wait for one slow client; past it, batches are left out for it and counted. Default 1 MiB. */
  maxBufferBytes?: number;
  /** Pause between two signs of life, milliseconds. Default 15,000. */
  heartbeatMs?: number;
  /** Clients at once. Default 200. */
  maxClients?: number;
}

const MAX_BUFFER_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 15_000;
const MAX_CLIENTS = 200;
const RETRY_MS = 2_000;
const POSITION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

export const liveParams = z.strictObject({
  q: filterParam,
  last_event_id: z
    .string()
    .regex(POSITION, 'must be the id of an event of this stream')
    .optional()
    .describe(
      'Continues after this event, as the header Last-Event-ID does; spans of the five seconds before it are sent again.',
    ),
});

/** Adds the route; listening ends with the server. */
export function liveRoute(app: FastifyInstance, pool: pg.Pool, options: LiveOptions = {}): void {
  const tail = new Tail(pool, options);
  const clients = new Set<Client>();
  const heartbeat = setInterval(() => {
    for (const client of clients) client.write(': still here\n\n');
  }, options.heartbeatMs ?? HEARTBEAT_MS).unref();
  app.addHook('preClose', async () => {
    clearInterval(heartbeat);
    tail.stop();
    for (const client of clients) client.end();
  });

  app.get('/api/v1/live', { compress: false, exposeHeadRoute: false }, async (request, reply) => {
    const header = request.headers['last-event-id'];
    const query = request.query as Record<string, unknown>;
    const { q = [], last_event_id: after } = liveParams.parse({ ...(header && { last_event_id: header }), ...query });
    if (clients.size >= (options.maxClients ?? MAX_CLIENTS)) {
      throw new BeaconError(
        'busy',
        `${clients.size} clients follow already.`,
        'Close a live view, or try again later.',
      );
    }
    const client = new Client(reply, options.maxBufferBytes ?? MAX_BUFFER_BYTES);
    clients.add(client);
    let end = () => {};
    reply.raw.once('close', () => {
      end();
      clients.delete(client);
    });
    try {
      // Listening first: what comes while the past is read waits, and nothing falls between the two.
      end = await tail.listen(q, (told) => client.tell(told), request.gone);
      const past = after === undefined ? undefined : await tail.since(q, after);
      client.begin(past);
    } catch (error) {
      end();
      clients.delete(client);
      throw error;
    }
    if (reply.raw.destroyed) end();
    return reply;
  });
}

/** One connection. Nothing is written before {@link begin}. */
class Client {
  readonly #reply: FastifyReply;
  readonly #maxBufferBytes: number;
  #waiting: Array<Batch | BeaconError> | undefined = [];
  #skipped = 0;

  constructor(reply: FastifyReply, maxBufferBytes: number) {
    this.#reply = reply;
    this.#maxBufferBytes = maxBufferBytes;
  }

  get #raw(): ServerResponse {
    return this.#reply.raw;
  }

  begin(past: Batch | undefined): void {
    this.#reply.hijack();
    this.#raw.writeHead(200, {
      ...(this.#reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    this.#raw.write(`retry: ${RETRY_MS}\n: spans follow\n\n`);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    const told = new Set(past?.fresh.map(keyOf));
    if (past) this.tell(past);
    for (const each of waiting) {
      if (each instanceof BeaconError) this.tell(each);
      else this.tell({ ...each, fresh: each.fresh.filter((row) => !told.has(keyOf(row))) });
    }
  }

  tell(what: Batch | BeaconError): void {
    if (this.#waiting) {
      this.#waiting.push(what);
      return;
    }
    if (what instanceof BeaconError) {
      this.write(event('problem', { ...problemOf(what), request_id: this.#reply.request.id }));
      return;
    }
    const { fresh, ended, skipped, note, position } = what;
    const rows = [...ended, ...fresh];
    this.#skipped += skipped;
    if (this.#raw.writableLength > this.#maxBufferBytes) {
      this.#skipped += rows.length;
      return;
    }
    if (note) this.write(event('left-out', { skipped: null, why: note }));
    if (this.#skipped > 0) {
      const why = 'They came faster than they could be sent: narrow q.';
      this.write(event('left-out', { skipped: this.#skipped, why }));
      this.#skipped = 0;
    }
    if (rows.length > 0) this.write(event('spans', rows, position));
  }

  write(text: string): void {
    if (!this.#waiting && !this.#raw.writableEnded) this.#raw.write(text);
  }

  end(): void {
    if (!this.#raw.headersSent) return;
    this.#raw.end();
  }
}

function event(name: string, data: unknown, id?: string): string {
  return `${id ? `id: ${id}\n` : ''}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function keyOf(row: Record<string, unknown>): string {
  return `${row.trace_id} ${row.span_id} ${row.started_at} ${row.status}`;
}
