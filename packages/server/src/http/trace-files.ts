// A trace as one answer and as one file: out as OTLP, in as OTLP or as Jaeger's JSON.
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import { traceColumns } from '../layout/trace-columns.ts';
import { readTraceFile } from '../otlp/file.ts';
import { readTraceInParts } from '../otlp/read-back.ts';
import { readLogsInParts } from '../otlp/read-back-logs.ts';
import { executionId, traceId, traceOf } from '../queries/params.ts';
import { type RunOptions, readOnly } from '../queries/run.ts';
import { CODES, Refusal } from '../receivers/answer.ts';
import type { Ingest } from '../receivers/ingest.ts';
import { BeaconError } from '../store/errors.ts';
import { limited } from '../store/turns.ts';
import { refusal, sendProblem } from './problems.ts';

/** The part of ingest that stores a file. */
export type Importer = Pick<Ingest, 'reserve' | 'receive' | 'store' | 'maxRequestBytes'>;

export interface TraceFileOptions {
  importer?: Importer | undefined;
  statementTimeoutMs?: number | undefined;
}

const FILE_TYPES = ['application/json', 'application/x-protobuf', 'application/protobuf', 'application/octet-stream'];
const PROTOBUF = /\bapplication\/(?:x-)?protobuf\b/;

/** What of a trace is exported: its spans, or its log records. */
/** One of 100,000 spans takes a second of the only thread, and 50 MB: such are drawn one after another. */
const MANY_SPANS = 10_000;
const LARGE = { what: 'large traces', atOnce: 1, patienceMs: 20_000 };
const SIGNALS = ['traces', 'logs'] as const;

const which = z
  .strictObject({
    trace_id: traceId.optional(),
    execution_id: executionId.optional(),
    signal: z.enum(SIGNALS).optional(),
  })
  .refine((given) => (given.trace_id === undefined) !== (given.execution_id === undefined), {
    message: 'give exactly one of trace_id and execution_id',
    path: ['trace_id'],
  });

export async function traceFileRoutes(app: FastifyInstance, pool: pg.Pool, options: TraceFileOptions): Promise<void> {
  const limits = options.statementTimeoutMs === undefined ? {} : { statementTimeoutMs: options.statementTimeoutMs };

  app.get('/api/v1/export', async (request, reply) => {
    const found = await findTrace(pool, request, limits);
    const wantsProtobuf = PROTOBUF.test(request.headers.accept ?? '');
    const ofLogs = which.parse(request.query).signal === 'logs';
    // Records come after the spans were summed up: only of these is it known whether they have changed.
    const form = wantsProtobuf ? 'protobuf' : 'json';
    if (!ofLogs && isUnchanged(request, reply, found, form)) return reply.code(304).send();
    const run = { ...limits, signal: request.gone };
    const ask = <T>(work: (client: pg.PoolClient) => Promise<T>) => readOnly(pool, run, ({ client }) => work(client));
    const parts: AsyncGenerator<Part> = (ofLogs ? readLogsInParts : readTraceInParts)(ask, found.traceId);
    // Whether there is any is known before the answer begins.
    const first = await parts.next();
    if (first.done) throw ofLogs ? noLogs(found.traceId) : missing(found.traceId);
    reply.header(
      'content-disposition',
      `attachment; filename="${ofLogs ? 'logs' : 'trace'}-${found.traceId}.${wantsProtobuf ? 'pb' : 'json'}"`,
    );
    return wantsProtobuf
      ? reply.type('application/x-protobuf').send(Readable.from(asProtobuf(first.value, parts)))
      : reply
          .type('application/json')
          .send(Readable.from(asJson(ofLogs ? 'resourceLogs' : 'resourceSpans', first.value, parts)));
  });

  app.get('/api/v1/trace-columns', async (request, reply) => {
    const found = await findTrace(pool, request, limits);
    if (isUnchanged(request, reply, found, 'columns')) return reply.code(304).send();
    const run = { ...limits, signal: request.gone };
    const make = () => readOnly(pool, run, ({ client }) => traceColumns(client, found.traceId));
    const columns = await (found.spans > MANY_SPANS ? limited(app, LARGE, request.gone, make) : make());
    if (!columns) throw missing(found.traceId);
    return reply.type('application/json; charset=utf-8').send(columns);
  });

  await app.register(async (scope) => importRoute(scope, options.importer));
}

/** A part of what is exported; parts put together are one message. */
interface Part {
  json(): string;
  protobuf(): Buffer;
}

/** Messages of protobuf, one after another, are one message with all their spans. */
async function* asProtobuf(first: Part, others: AsyncIterable<Part>): AsyncGenerator<Buffer> {
  yield first.protobuf();
  for await (const part of others) yield part.protobuf();
}

async function* asJson(list: string, first: Part, others: AsyncIterable<Part>): AsyncGenerator<string> {
  const [head, tail] = [`{"${list}":[`, ']}'];
  const inside = (part: Part) => part.json().slice(head.length, -tail.length);
  yield head + inside(first);
  for await (const part of others) yield `,${inside(part)}`;
  yield tail;
}

/** A file takes the way of spans that come over OTLP: read into the memory that all share, by a decoder that keeps all digits. */
function importRoute(app: FastifyInstance, importer: Importer | undefined): void {
  const bodyLimit = importer?.maxRequestBytes ?? 1_024;
  const reservations = new WeakMap<FastifyRequest, ReturnType<Importer['reserve']>>();
  app.addContentTypeParser(FILE_TYPES, { bodyLimit }, async (request: FastifyRequest, payload: IncomingMessage) => {
    if (!importer) return undefined;
    const reservation = importer.reserve(request.ip);
    reservations.set(request, reservation);
    request.gone.addEventListener('abort', () => {
      // What is being stored gives its room back itself.
      if (reservations.delete(request)) reservation.release();
    });
    const expected = request.headers['content-encoding'] ? 0 : Number(request.headers['content-length']) || 0;
    const intake = importer.receive(reservation, undefined, expected);
    payload.on('data', (chunk: Buffer) => intake.write(chunk));
    let isWhole = false;
    payload.once('end', () => {
      isWhole = true;
      intake.end();
    });
    payload.once('error', (error) => intake.fail(error));
    payload.once('close', () => {
      if (!isWhole) intake.fail(new Error('the client went away'));
    });
    payload.resume();
    return intake.body;
  });

  const preParsing = async () => {
    if (!importer) throw new BeaconError('forbidden', 'This server takes no spans.', 'Start it without --no-otlp.');
  };
  const errorHandler = (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
    if (!(error instanceof Refusal)) throw error;
    if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1_000));
    const problem = refusal(CODES[error.code].http, error.message);
    const isFull = error.code === 'RESOURCE_EXHAUSTED';
    const later = { code: 'busy', hint: 'Send it again after the time that Retry-After says.' };
    return sendProblem(reply, { ...problem, ...(isFull ? later : {}) });
  };
  app.post('/api/v1/import', { config: { scope: 'send' }, bodyLimit, preParsing, errorHandler }, async (request) => {
    const reservation = reservations.get(request);
    if (!importer || !reservation) throw new Error('A body was read without a reservation.');
    reservations.delete(request);
    try {
      const file = readTraceFile((request.body as Buffer | undefined) ?? Buffer.alloc(0));
      reservation.grow(file.bytes.length);
      const { rejected, message } = await importer.store(file.bytes, file.encoding, reservation);
      return { trace_ids: file.traceIds, spans: file.spans, rejected, message };
    } finally {
      reservation.release();
    }
  });
}

interface Found {
  /** How many it has. */
  spans: number;
  /** 32 hexadecimal digits. */
  traceId: string;
  /** What changes whenever the trace or its form does; undefined while something in it is open. */
  version: string | undefined;
}

/** The trace that is meant, from its summary: one look-up by key. */
async function findTrace(pool: pg.Pool, request: FastifyRequest, limits: RunOptions): Promise<Found> {
  const { trace_id: trace, execution_id: execution } = which.parse(request.query);
  const found = await readOnly(pool, { ...limits, signal: request.gone }, async ({ client, schema }) => {
    const { rows } = await client.query(
      `select t.trace_id::text, t.updated_at::text, t.span_count, t.open_count,
        (select count(*) from beacon.trace_executions x
          where x.execution_id = t.execution_id or x.execution_key = t.execution_key) as attempts
      from beacon.traces t
      where t.trace_id = ${traceOf(1, 2)}`,
      [trace ?? null, execution ?? null],
    );
    return rows[0] && { ...rows[0], schema };
  });
  if (!found) throw missing(trace ?? `execution ${execution}`);
  const { trace_id, updated_at, span_count, open_count, attempts, schema } = found;
  return {
    traceId: trace_id.replaceAll('-', ''),
    spans: span_count,
    version: open_count === 0 ? `${schema} ${updated_at} ${span_count} ${attempts}` : undefined,
  };
}

/** Sets the ETag, and says whether the caller has this version already. */
function isUnchanged(request: FastifyRequest, reply: FastifyReply, { traceId, version }: Found, form: string): boolean {
  if (version === undefined) return false;
  // Weak: the packed and the plain answer share it.
  const tag = `W/"${Buffer.from(`${traceId} ${version} ${form}`).toString('base64url')}"`;
  reply.header('etag', tag).header('cache-control', 'private, no-cache').header('vary', 'accept');
  return (request.headers['if-none-match'] ?? '').split(/\s*,\s*/).includes(tag);
}

function noLogs(traceId: string): BeaconError {
  return new BeaconError(
    'not_found',
    `Trace ${traceId} has no log records.`,
    'Without signal=logs its spans are exported.',
  );
}

function missing(what: string): BeaconError {
  return new BeaconError(
    'not_found',
    `There is no trace ${what}.`,
    '`beacon search` lists what there is; GET /api/v1/search too.',
  );
}
