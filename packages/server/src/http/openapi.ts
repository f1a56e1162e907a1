// OpenAPI 3.1 of everything under /api/v1, from the descriptions of the queries.
import { z } from 'zod';
import type { Query } from '../queries/query.ts';
import { EXTRA_PATHS } from './openapi-extra.ts';

type Json = Record<string, unknown>;

/** A value that each parameter could have, for examples. */
const EXAMPLES: Record<string, unknown> = {
  a: '7f1c0d3a5be94c1f8f0a2b6d4e8c9a10',
  b: '0b6f9d2e41c84f7a9b3c5d7e9f1a2b3c',
  columns: 60,
  execution_a: '2193',
  execution_b: '2188',
  execution_id: '2193',
  from: '2h',
  hops: 1,
  job_id: '472',
  key: 'http.response.status_code',
  limit: 20,
  max_ms: 2000,
  min_ms: 500,
  query: 'POST /v1/chat/completions',
  order: 'newest',
  prefix: 'http.',
  q: 'service=router status=failed duration>500ms',
  records: 'runner',
  selected_from: '30m',
  selected_to: '20m',
  service: 'router',
  since: '2h',
  span_id: 'a2fb4a1d1a96d312',
  statement: 'select service, count(*) from trace_spans group by 1 order by 2 desc limit 10',
  status: 'failed',
  to: '1h',
  trace_id: '7f1c0d3a5be94c1f8f0a2b6d4e8c9a10',
};

/** Statuses of problems, with what each means here. */
const PROBLEMS: Record<number, string> = {
  400: 'A parameter is wrong; `errors` says which.',
  401: 'A token is set, and the request brings none or a wrong one.',
  403: 'The host name, or the web page that asks, is not allowed; or the role may not read this.',
  404: 'What was asked for is not there.',
  413: 'The request is too large.',
  429: 'More requests a minute than are allowed.',
  500: 'A fault of the server.',
  503: 'The database cannot be reached, or is not migrated.',
  504: 'The database took too long, and the query was stopped.',
};

/**
 * The document.
 *
 * @param version Of the server.
 * @param hasToken Whether requests need one.
 */
export function openApi(queries: readonly Query[], version: string, hasToken: boolean): Json {
  const schemas: Json = { Problem: PROBLEM };
  const paths: Json = {};
  for (const query of queries) {
    const name = pascal(query.name);
    schemas[`${name}Params`] = plain(z.toJSONSchema(query.params, { io: 'input', unrepresentable: 'any' }));
    schemas[`${name}Row`] = plain(z.toJSONSchema(query.row, { io: 'output', unrepresentable: 'any' }));
    schemas[`${name}Answer`] = answerOf(`${name}Row`, query.row);
    paths[`/api/v1/${query.name}`] = pathOf(query, name);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Beacon',
      version,
      description:
        'Distributed tracing that lives in PostgreSQL, and says why an execution failed. Every query has the same name, parameters and columns here, on the command line and for MCP clients.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: hasToken ? [{ token: [] }] : [{}, { token: [] }],
    tags: [
      { name: 'queries', description: 'Questions about traces; each has a limit and says what it left out.' },
      { name: 'streams and files', description: 'Spans as they come; a trace as one answer or one file.' },
      { name: 'server', description: 'How the server is doing.' },
    ],
    paths: { ...paths, ...EXTRA_PATHS },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'BEACON_TOKEN, where the server has one.' },
      },
      schemas,
      responses: Object.fromEntries(
        Object.entries(PROBLEMS).map(([status, what]) => [`Problem${status}`, problemOf(status, what)]),
      ),
      headers: {
        'X-Request-Id': {
          description: 'Id of the request: the one it brought, or a new one. In the log too.',
          schema: { type: 'string' },
        },
      },
    },
  };
}

function pathOf(query: Query, name: string): Json {
  const common = { tags: ['queries'], summary: query.doc };
  const responses = {
    200: {
      description: 'Rows, and what was left out.',
      headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}Answer` } } },
    },
    ...problems(400, 401, 403, 404, 429, 500, 503, 504),
  };
  const post = {
    ...common,
    operationId: `post${name}`,
    requestBody: {
      required: query.mutates,
      content: {
        'application/json': {
          schema: { $ref: `#/components/schemas/${name}Params` },
          example: exampleOf(query),
        },
      },
    },
    responses,
  };
  if (query.mutates) return { post };
  const get = { ...common, operationId: `get${name}`, parameters: parametersOf(query), responses };
  return { get, post: { ...post, description: 'The same by POST, for parameters that are long.' } };
}

function parametersOf(query: Query): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query.params, { io: 'input', unrepresentable: 'any' });
  const own = Object.entries(properties as Record<string, Json>).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description ? { description } : {}),
    required: required.includes(name),
    schema,
    ...(EXAMPLES[name] === undefined ? {} : { example: EXAMPLES[name] }),
  }));
  const explain = {
    name: 'explain',
    in: 'query',
    description: '`sql`: the statement instead of its answer, as `{sql, values}`.',
    required: false,
    schema: { type: 'string', enum: ['sql'] },
  };
  const fresh = {
    name: 'fresh',
    in: 'query',
    description: '`true`: asks the primary where this server reads from a replica, which may lag.',
    required: false,
    schema: { type: 'boolean' },
  };
  return [...own, explain, fresh];
}

/** The parameters that are required, or else the first that says what is asked. */
export function exampleOf(query: Query): Json {
  const { properties = {}, required = [] } = z.toJSONSchema(query.params, { io: 'input', unrepresentable: 'any' });
  const names = Object.keys(properties);
  const preferred = required.length > 0 ? required : names.filter((name) => EXAMPLES[name] !== undefined).slice(0, 1);
  const either = query.name === 'compare' ? ['execution_a', 'execution_b'] : preferred;
  return Object.fromEntries(either.map((name) => [name, EXAMPLES[name] ?? 'example']));
}

function answerOf(row: string, schema: z.ZodType): Json {
  const properties = {
    rows: { type: 'array', items: { $ref: `#/components/schemas/${row}` } },
    truncated: { type: ['string', 'null'], description: 'Says in words what is not here; null when all is.' },
    next: {
      type: ['string', 'null'],
      description: 'Cursor of the next page, to be given as `after`; null at the end.',
    },
    database: { type: 'string', description: 'Database that answered, password masked.' },
    schema: { type: 'string', description: 'Newest migration, and the hash of views and functions.' },
    columns: {
      type: 'array',
      description: "Names and types, where the columns are the caller's own choice.",
      items: { type: 'object', properties: { name: { type: 'string' }, type: { type: 'string' } } },
    },
    range: {
      type: 'object',
      description: 'Times the answer is about, where the question is about a time.',
      properties: { from: { type: 'string' }, to: { type: 'string' } },
      required: ['from', 'to'],
    },
  };
  const about = schema.description ? { description: schema.description } : {};
  return { type: 'object', ...about, properties, required: ['rows', 'truncated', 'next', 'database', 'schema'] };
}

const PROBLEM = {
  type: 'object',
  description: 'An error, as RFC 9457 has it.',
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong.' },
    code: { type: 'string', description: 'One of the codes of the command line, for programs.' },
    hint: { type: 'string', description: 'What to do.' },
    request_id: { type: 'string', description: 'As in the header X-Request-Id and in the log.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { parameter: { type: 'string' }, message: { type: 'string' } },
        required: ['parameter', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'request_id'],
};

function problemOf(status: string, description: string): Json {
  const example = {
    type: 'about:blank',
    title: 'Bad Request',
    status: Number(status),
    detail: 'limit: Too big: expected number to be <=1000',
    code: 'usage',
    hint: 'GET /api/v1 lists every query with its parameters.',
    request_id: '3f0c9a52-7b1e-4d0a-9f55-6c2f8d1e4b7a',
    errors: [{ parameter: 'limit', message: 'Too big: expected number to be <=1000' }],
  };
  const content = { schema: { $ref: '#/components/schemas/Problem' }, ...(status === '400' ? { example } : {}) };
  return { description, content: { 'application/problem+json': content } };
}

/** References to the answers for these statuses. */
function problems(...statuses: number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));
}

function plain({ $schema: _, ...schema }: Json): Json {
  return schema;
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
