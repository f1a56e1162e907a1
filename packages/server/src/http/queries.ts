// A route an operation: GET with a query string, POST with the same parameters as JSON.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import type { Query } from '../queries/query.ts';
import { explainSql, runQuery } from '../queries/run.ts';
import { BeaconError } from '../store/errors.ts';

export interface OperationRoutesOptions {
  /** Milliseconds after which the database stops a query. Default 15,000. */
  statementTimeoutMs?: number | undefined;
}

/** Adds the routes, and the list of them. */
export function operationRoutes(
  app: FastifyInstance,
  pool: pg.Pool,
  queries: readonly Query[],
  { statementTimeoutMs }: OperationRoutesOptions = {},
): void {
  app.get('/api/v1', async () => ({
    queries: queries.map(({ name, doc, params, mutates }) => ({
      name,
      doc,
      path: `/api/v1/${name}`,
      methods: mutates ? ['POST'] : ['GET', 'POST'],
      parameters: z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }),
    })),
  }));

  for (const query of queries) {
    const answer = async (request: FastifyRequest, { explain, fresh, ...params }: Record<string, unknown>) => {
      if (explain !== undefined) return explained(query, explain, params);
      const limits = statementTimeoutMs === undefined ? {} : { statementTimeoutMs };
      return runQuery(pool, query, params, { ...limits, signal: request.gone, fresh: isFresh(fresh) });
    };
    for (const name of [query.name, ...query.aliases]) {
      const url = `/api/v1/${name}`;
      const config = query.mutates ? ({ scope: 'act' } as const) : {};
      app.post(url, { config }, async (request) =>
        answer(request, { ...(request.query as object), ...bodyOf(request) }),
      );
      if (!query.mutates) app.get(url, async (request) => answer(request, request.query as Record<string, unknown>));
    }
  }
}

/** Whether a replica, which may lag, will not do. */
function isFresh(given: unknown): boolean {
  if (given === undefined || given === 'false') return false;
  if (given === 'true') return true;
  const message = 'must be true (ask the primary, not a replica) or false';
  throw new z.ZodError([{ code: 'custom', path: ['fresh'], message, input: given }]);
}

function explained(query: Query, how: unknown, params: Record<string, unknown>) {
  if (how !== 'sql') {
    const message = 'must be sql: that is what can be shown';
    throw new z.ZodError([{ code: 'custom', path: ['explain'], message, input: how }]);
  }
  const call = explainSql(query, params);
  return { sql: call?.text ?? null, values: call?.values ?? [] };
}

/** Numbers and truth values become the text a query string would have: one way to check them. */
function bodyOf({ body = {} }: FastifyRequest): Record<string, unknown> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new BeaconError('usage', 'The body is not a JSON object.', 'Send the parameters as {"name": "value"}.');
  }
  const given = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, textOf(name, value)]));
}

function textOf(name: string, value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    const message = 'is too long for a JSON number: send it as text';
    throw new z.ZodError([{ code: 'custom', path: [name], message, input: value }]);
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}
