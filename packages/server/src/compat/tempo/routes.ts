// Tempo's HTTP API, as far as Grafana's Tempo data source asks it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { type CutTraceData, readTrace } from '../../otlp/read-back.ts';
import { wholeTraceId } from '../../otlp/trace-id.ts';
import { readOnly } from '../../queries/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { queryMetrics } from './metrics.ts';
import { tagScopes, tagValues } from './names.ts';
import { type Query, searchTempo } from './search.ts';

export interface TempoOptions {
  /** Before every path: `/tempo`, or nothing on a port of its own. */
  prefix: string;
  /** Milliseconds after which the database stops a query. */
  statementTimeoutMs?: number | undefined;
}

interface TempoProblem {
  status: number;
  detail: string;
  hint: string;
}

/** Clients take their features from it: what that version of Tempo has and is here, works. */
const LIKE_VERSION = '2.6.0';
const PROTOBUF = /\bapplication\/(?:x-)?protobuf\b/;
const PARTIAL = 1;

/** Problem details; Grafana shows `message`. */
export function tempoError(reply: FastifyReply, problem: TempoProblem): FastifyReply {
  const message = `${problem.detail} ${problem.hint}`;
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ ...problem, message, request_id: reply.request.id });
}

/** Adds the routes. */
export function tempoRoutes(app: FastifyInstance, pool: pg.Pool, { prefix, statementTimeoutMs }: TempoOptions): void {
  const limits = (request: FastifyRequest) => ({
    signal: request.gone,
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
  });
  const get = (url: string, answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) =>
    app.get(`${prefix}${url}`, { config: { sendError: tempoError } }, answer);
  const trace = async (request: FastifyRequest, reply: FastifyReply): Promise<CutTraceData> => {
    const id = wholeTraceId((request.params as { id: string }).id);
    const found = await readOnly(pool, limits(request), ({ client }) => readTrace(client, id));
    if (!found) throw new BeaconError('not_found', `There is no trace ${id}.`, '`beacon search` lists what there is.');
    if (found.isCut) reply.header('x-beacon-left-out', cutSentence(found));
    return found;
  };

  get('/api/echo', async (_request, reply) => reply.type('text/plain').send('echo'));
  get('/api/status/buildinfo', async () => ({
    version: LIKE_VERSION,
    revision: 'beacon',
    branch: 'beacon',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  }));

  get('/ready', async (_request, reply) => reply.type('text/plain').send('ready\n'));
  get('/status/version', async (_request, reply) =>
    reply.type('text/plain').send(`tempo, version ${LIKE_VERSION} (Beacon)\n`),
  );
  get('/status/services', async (_request, reply) => reply.type('text/plain').send('query-frontend => Running\n'));

  get('/api/traces/:id', async (request, reply) => {
    const found = await trace(request, reply);
    return wantsProtobuf(request)
      ? reply.type('application/protobuf').send(found.protobuf())
      : reply.type('application/json').send(found.json());
  });
  get('/api/v2/traces/:id', async (request, reply) => {
    const found = await trace(request, reply);
    if (wantsProtobuf(request)) return reply.type('application/protobuf').send(traceByIdResponse(found));
    const partial = found.isCut ? `,"status":"PARTIAL","message":${JSON.stringify(cutSentence(found))}` : '';
    return reply.type('application/json').send(`{"trace":${found.json()},"metrics":{}${partial}}`);
  });

  get('/api/search', async (request, reply) => {
    const result = await searchTempo(pool, request.query as Query, limits(request));
    if (result.warnings) reply.header('x-beacon-left-out', result.warnings.join(' ').replace(/[^ -~]/g, '?'));
    return result;
  });
  get('/api/search/tags', async (request) => {
    const scopes = await tagScopes(pool, request.query as Query, limits(request));
    return { tagNames: [...new Set(scopes.flatMap(({ tags }) => tags))].sort(), metrics: {} };
  });
  get('/api/v2/search/tags', async (request) => {
    return { scopes: await tagScopes(pool, request.query as Query, limits(request)), metrics: {} };
  });
  get('/api/search/tag/*', async (request) => {
    const values = await tagValues(pool, tagOf(request), request.query as Query, limits(request));
    return { tagValues: values.map(({ value }) => value), metrics: {} };
  });
  get('/api/v2/search/tag/*', async (request) => {
    return { tagValues: await tagValues(pool, tagOf(request), request.query as Query, limits(request)), metrics: {} };
  });
  get('/api/metrics/query_range', async (request) =>
    queryMetrics(pool, request.query as Query, limits(request), false),
  );
  get('/api/metrics/query', async (request) => queryMetrics(pool, request.query as Query, limits(request), true));
}

function wantsProtobuf(request: FastifyRequest): boolean {
  return PROTOBUF.test(request.headers.accept ?? '');
}

/** The name in `<name>/values`, which may have slashes; Grafana escapes it twice. */
function tagOf(request: FastifyRequest): string {
  const rest = (request.params as { '*': string })['*'];
  const tag = /^(.+)\/values$/s.exec(rest)?.[1];
  if (tag === undefined)
    throw new BeaconError('not_found', `There is no ${rest}.`, 'It is /api/search/tag/<name>/values.');
  try {
    return /%[0-9a-f]{2}/i.test(tag) ? decodeURIComponent(tag) : tag;
  } catch {
    return tag;
  }
}

/** Tempo's TraceByIDResponse: the trace is its field 1, the status 3, a message 4. */
function traceByIdResponse(found: CutTraceData): Buffer {
  const parts = [...field(1, found.protobuf())];
  if (found.isCut) parts.push(Buffer.from([(3 << 3) | 0, PARTIAL]), ...field(4, Buffer.from(cutSentence(found))));
  return Buffer.concat(parts);
}

function field(number: number, bytes: Buffer): Buffer[] {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return [Buffer.from([(number << 3) | 2, ...length]), bytes];
}

function cutSentence({ spans }: CutTraceData): string {
  return `Only the first ${spans} spans of this trace are here.`;
}
