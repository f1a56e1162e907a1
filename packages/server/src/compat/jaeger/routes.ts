// Jaeger's query API, versions 1 and 3, for Grafana's Jaeger data source and for scripts.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { wholeTraceId } from '../../otlp/trace-id.ts';
import { answerIn, readOnly, runQuery } from '../../queries/run.ts';
import { traceIds } from '../../registry.ts';
import { BeaconError } from '../../store/errors.ts';
import { queryNamed } from '../params.ts';
import { all, bodyQuery, one, type Query, rfc3339, type SearchParams, searchOf, searchV3Of } from './query.ts';
import { combined, jaegerOf, MAX_SPANS, type Read, type ReadMany, readIn, readMany } from './read.ts';
import { traceSummaries } from './summaries.ts';

export interface JaegerOptions {
  /** Milliseconds after which the database stops a query. */
  statementTimeoutMs?: number | undefined;
}

interface Failure {
  code?: number;
  msg: string;
  traceID?: string;
}

const MAX_NAMES = 5_000;
const GRPC_CODES: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 503: 14, 504: 4 };

/** An error as this API says it; that of the server behind it is kept in words. */
export function jaegerError(
  reply: FastifyReply,
  problem: { status: number; detail: string; hint: string },
): FastifyReply {
  const { status, detail, hint } = problem;
  const message = `${detail} ${hint}`;
  reply.code(status).type('application/json');
  if (reply.request.url.startsWith('/api/v3/')) {
    return reply.send({
      error: { grpcCode: GRPC_CODES[status] ?? 2, httpCode: status, message, httpStatus: '', details: [] },
    });
  }
  return reply.send(envelope(null, [{ code: status, msg: message }]));
}

/** Adds the routes; they are Jaeger's, at the root of a port of their own. */
export function jaegerRoutes(app: FastifyInstance, pool: pg.Pool, { statementTimeoutMs }: JaegerOptions = {}): void {
  const limits = (request: FastifyRequest) => ({
    signal: request.gone,
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
  });
  /** What the limit kept back is said in a header: these answers have no place for it. */
  const ask = async (request: FastifyRequest, reply: FastifyReply, name: string, params: Record<string, unknown>) => {
    const { rows, truncated } = await runQuery(pool, queryNamed(name), params, limits(request));
    if (truncated) leftOut(reply, truncated);
    return rows as Array<Record<string, string>>;
  };
  /** Names are listed for as long as their spans are kept. */
  const names = async (request: FastifyRequest, reply: FastifyReply, text: string, values: string[]) => {
    const { rows } = await readOnly(pool, limits(request), ({ client }) =>
      client.query<Record<string, string>>(`${text} limit ${MAX_NAMES + 1}`, values),
    );
    if (rows.length > MAX_NAMES) reply.header('x-beacon-left-out', `Only the first ${MAX_NAMES} are here.`);
    return rows.slice(0, MAX_NAMES);
  };
  const services = async (request: FastifyRequest, reply: FastifyReply) => {
    const rows = await names(request, reply, 'select n.service from beacon.service_names() n (service)', []);
    return rows.map(({ service }) => String(service)).sort();
  };
  const operations = async (request: FastifyRequest, reply: FastifyReply, service?: string, kind?: string) => {
    if (!service) throw new BeaconError('usage', 'service is missing.', 'GET /api/services lists them.');
    const sql = 'select n.operation, n.kind from beacon.operation_names($1::text) n';
    const rows = await names(request, reply, sql, [service]);
    const found = rows.map((row) => ({ name: String(row.operation), spanKind: String(row.kind) }));
    return found.filter(({ spanKind }) => !kind || spanKind === kind).sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  const idsOf = async (request: FastifyRequest, reply: FastifyReply, params: SearchParams) => {
    const rows = await ask(request, reply, 'search', { ...params });
    return rows.map((row) => wholeTraceId(String(row.trace_id)));
  };
  /** Found and read in one transaction. */
  const find = async (request: FastifyRequest, reply: FastifyReply, params: SearchParams) => {
    const { ids, truncated, found } = await readOnly(pool, limits(request), async (session) => {
      const { result } = await answerIn(session, traceIds, { ...params });
      const ids = (result?.rows ?? []).map(({ trace_id: id }) => wholeTraceId(String(id)));
      const found = ids.length > 0 && (await readIn(session.client, ids, isRaw(request)));
      return { ids, truncated: result?.truncated, found };
    });
    if (truncated) leftOut(reply, truncated);
    return found ? told(reply, ids.length, found) : { read: [], missing: [], truncated: null };
  };
  const readAll = async (request: FastifyRequest, reply: FastifyReply, ids: string[]) =>
    told(reply, ids.length, await readMany(pool, [...new Set(ids)], isRaw(request), limits(request)));
  const get = async (request: FastifyRequest, reply: FastifyReply): Promise<Read> => {
    const id = wholeTraceId((request.params as { id: string }).id);
    const { read } = await readAll(request, reply, [id]);
    if (read[0]) return read[0];
    throw new BeaconError('not_found', 'trace not found.', `There is no trace ${id}.`);
  };

  app.get('/api/services', async (request, reply) => envelope(await services(request, reply)));
  app.get('/api/services/:service/operations', async (request, reply) => {
    const found = await operations(request, reply, (request.params as { service: string }).service);
    return envelope([...new Set(found.map(({ name }) => name))]);
  });
  app.get('/api/operations', async (request, reply) => {
    const query = request.query as Query;
    return envelope(await operations(request, reply, one(query, 'service'), one(query, 'spanKind')));
  });
  app.get('/api/traces', async (request, reply) => {
    const query = request.query as Query;
    const ids = all(query, 'traceID').map(wholeTraceId);
    const { read, missing, truncated } =
      ids.length > 0 ? await readAll(request, reply, ids) : await find(request, reply, searchOf(query));
    const failures: Failure[] = missing.map((id) => ({ msg: 'trace not found', traceID: id }));
    if (truncated) failures.push({ msg: truncated });
    return envelope(read.map(jaegerOf), failures);
  });
  app.get('/api/traces/:id', async (request, reply) => envelope([jaegerOf(await get(request, reply))]));
  app.get('/api/dependencies', async (request, reply) => {
    const { from, to } = lookBackOf(request.query as Query);
    const service = one(request.query as Query, 'service');
    const rows = await ask(request, reply, 'dependencies', {
      from,
      to,
      limit: MAX_NAMES,
      ...(service ? { service } : {}),
    });
    return envelope(rows.map((row) => ({ parent: row.caller, child: row.callee, callCount: row.calls })));
  });

  app.get('/api/v3/services', async (request, reply) => ({ services: await services(request, reply) }));
  app.get('/api/v3/operations', async (request, reply) => {
    const query = request.query as Query;
    const kind = one(query, 'spanKind') ?? one(query, 'span_kind');
    return { operations: await operations(request, reply, one(query, 'service'), kind) };
  });
  // By GET the question is in the address, by POST in the body.
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v3/traces',
    handler: async (request, reply) => {
      const { read } = await find(request, reply, searchV3Of(askedBy(request)));
      if (read.length === 0) throw new BeaconError('not_found', 'No traces found.', 'Ask for another time, or less.');
      return reply.type('application/json').send(combined(read));
    },
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/api/v3/trace-summaries',
    handler: async (request, reply) => {
      const ids = await idsOf(request, reply, searchV3Of(askedBy(request)));
      const summaries = await readOnly(pool, limits(request), ({ client }) => traceSummaries(client, ids));
      return { result: { summaries } };
    },
  });
  app.get('/api/v3/dependencies', async (request, reply) => {
    const time = (name: string) => {
      const text = one(request.query as Query, name) ?? one(request.query as Query, camel(name));
      if (!text) throw new BeaconError('usage', `${name} is missing.`, 'It must be like 2026-01-31T12:00:00Z.');
      return rfc3339(name, text);
    };
    const params = { from: time('start_time'), to: time('end_time'), limit: MAX_NAMES };
    const rows = await ask(request, reply, 'dependencies', params);
    // protobuf's JSON writes whole numbers of 64 bits as texts.
    const calls = rows.map((row) => ({ parent: row.caller, child: row.callee, callCount: String(row.calls) }));
    return { dependencies: calls };
  });
  app.get('/api/v3/traces/:id', async (request, reply) =>
    reply.type('application/json').send(combined([await get(request, reply)])),
  );
  app.get('/', { config: { open: true } }, async (_request, reply) =>
    reply
      .type('text/plain; charset=utf-8')
      .send("Jaeger's query API of Beacon: /api/services, /api/traces, /api/dependencies, /api/v3/...\n"),
  );
}

/** Traces are read until there are more spans than one answer should hold; the first comes whole, however large. */
function told(reply: FastifyReply, asked: number, { read, missing, left }: ReadMany) {
  if (left === 0) return { read, missing, truncated: null };
  const truncated = `${left} of ${asked} traces are left out: ${MAX_SPANS} spans is the most of one answer; lower limit.`;
  reply.header('x-beacon-left-out', truncated);
  return { read, missing, truncated };
}

function leftOut(reply: FastifyReply, words: string): void {
  reply.header('x-beacon-left-out', words.replace(/[^ -~]/g, '?'));
}

function isRaw(request: FastifyRequest): boolean {
  return one(request.query as Query, 'raw') === 'true';
}

function askedBy(request: FastifyRequest): Query {
  return request.method === 'POST' ? bodyQuery(request.body) : (request.query as Query);
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function envelope(data: unknown[] | null, errors: Failure[] = []) {
  return { data, total: data?.length ?? 0, limit: 0, offset: 0, errors: errors.length > 0 ? errors : null };
}

const DAY_MS = 86_400_000;

/** `endTs` and `lookback`, milliseconds; the last day where they are missing. */
function lookBackOf(query: Query): { from: string; to: string } {
  const number = (name: string, otherwise: number) => {
    const text = one(query, name);
    if (text !== undefined && !/^\d{1,15}$/.test(text)) {
      throw new BeaconError(
        'usage',
        `${name} is "${text.slice(0, 50)}".`,
        'It must be milliseconds, as a whole number.',
      );
    }
    return text === undefined ? otherwise : Number(text);
  };
  const end = number('endTs', Date.now());
  return {
    from: new Date(Math.max(0, end - number('lookback', DAY_MS))).toISOString(),
    to: new Date(end).toISOString(),
  };
}
