// What /api/v1 has besides the queries, as OpenAPI describes it.
import { z } from 'zod';
import { liveParams } from './live.ts';

type Json = Record<string, unknown>;

const refs = (...statuses: number[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));

const query = (name: string, description: string, required = false, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'query',
  description,
  required,
  schema,
});

const json = (description: string, schema: Json = { type: 'object' }): Json => ({
  description,
  content: { 'application/json': { schema } },
});

const OTLP = { type: 'object', properties: { resourceSpans: { type: 'array' } }, required: ['resourceSpans'] };
const ONE_OF_BOTH = [
  query('trace_id', 'Trace id: 32 hex digits or a uuid.'),
  query('execution_id', 'Instead: an execution; its newest trace is meant.'),
];

export const EXTRA_PATHS: Json = {
  '/api/v1': {
    get: {
      tags: ['server'],
      operationId: 'listOperations',
      summary: 'Every query with its parameters.',
      responses: { 200: json('The queries.'), ...refs(401) },
    },
  },
  '/api/v1/live': {
    get: {
      tags: ['streams and files'],
      operationId: 'live',
      summary: 'Spans as they are committed, as server-sent events.',
      description:
        'Events: `spans` (an array of rows as `spans` has them; a span that was open comes again when it has ended), `left-out` (`{skipped, why}`; null where it was not counted), `problem`. A comment comes every 15 seconds. An event id, sent back as Last-Event-ID, goes on behind it, for an hour at most.',
      parameters: [
        ...Object.entries(z.toJSONSchema(liveParams, { io: 'input' }).properties as Record<string, Json>).map(
          ([name, { description, ...schema }]) => query(name, String(description ?? ''), false, schema),
        ),
        { name: 'Last-Event-ID', in: 'header', description: 'Id of the last event seen.', schema: { type: 'string' } },
      ],
      responses: {
        200: { description: 'A stream without end.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        ...refs(400, 401, 503),
      },
    },
  },
  '/api/v1/trace-columns': {
    get: {
      tags: ['streams and files'],
      operationId: 'traceColumns',
      summary: 'A whole trace as columns, in drawing order, for views of 100,000 spans.',
      description: 'Has an ETag once the trace is at rest; If-None-Match then costs one look-up.',
      parameters: ONE_OF_BOTH,
      responses: { 200: json('The trace.'), 304: { description: 'Unchanged.' }, ...refs(400, 401, 404, 503, 504) },
    },
  },
  '/api/v1/export': {
    get: {
      tags: ['streams and files'],
      operationId: 'exportTrace',
      summary: 'A trace as one OTLP file: JSON, or protobuf by Accept.',
      parameters: [
        ...ONE_OF_BOTH,
        query('signal', 'traces (default): its spans; logs: its log records, as LogsData.', false, {
          enum: ['traces', 'logs'],
        }),
      ],
      responses: {
        200: {
          description: 'TracesData of OpenTelemetry.',
          content: {
            'application/json': { schema: OTLP },
            'application/x-protobuf': { schema: { type: 'string', contentMediaType: 'application/x-protobuf' } },
          },
        },
        304: { description: 'Unchanged.' },
        ...refs(400, 401, 404, 503, 504),
      },
    },
  },
  '/api/v1/job-export': {
    get: {
      tags: ['streams and files'],
      operationId: 'exportJob',
      summary: 'A job as one file, a row a cell, with everything a paper needs.',
      description:
        'The columns are those of beacon.job_export, then receipt_id, receipt_verified and receipt. The header x-beacon-sha256 has the hash of the file.',
      parameters: [
        query('job_id', 'Job.', true),
        query('format', 'jsonl (default), csv or parquet.', false, { enum: ['jsonl', 'csv', 'parquet'] }),
      ],
      responses: {
        200: {
          description: 'The file.',
          content: { 'application/x-ndjson': {}, 'text/csv': {}, 'application/vnd.apache.parquet': {} },
        },
        ...refs(400, 401, 404, 503, 504),
      },
    },
  },
  '/api/v1/import': {
    post: {
      tags: ['streams and files'],
      operationId: 'importTrace',
      summary:
        'Stores such a file: OTLP as JSON or protobuf, or the JSON of Jaeger. Spans that are there already stay as they are.',
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: { type: 'object' } },
          'application/x-protobuf': { schema: { type: 'string', contentMediaType: 'application/x-protobuf' } },
        },
      },
      responses: {
        200: json('Committed.', {
          type: 'object',
          properties: {
            trace_ids: { type: 'array', items: { type: 'string' } },
            spans: { type: 'integer', description: 'Spans in the file.' },
            rejected: { type: 'integer', description: 'Spans that were not stored.' },
            message: { type: 'string', description: 'Why, and which; empty when all were stored.' },
          },
          required: ['trace_ids', 'spans', 'rejected', 'message'],
        }),
        ...refs(400, 401, 413, 503),
      },
    },
  },
  '/health': {
    get: {
      tags: ['server'],
      operationId: 'health',
      summary: 'Alive, with what the database and the maintenance say.',
      security: [{}],
      responses: { 200: json('Alive.') },
    },
  },
  '/health/tracing': {
    get: {
      tags: ['server'],
      operationId: 'healthTracing',
      summary: 'The tracers that have reported, as the query `tracers` answers.',
      responses: { 200: json('The tracers.'), ...refs(401, 503) },
    },
  },
  '/ready': {
    get: {
      tags: ['server'],
      operationId: 'ready',
      summary: 'Whether questions can be answered.',
      security: [{}],
      responses: { 200: json('Ready.'), 503: json('The database cannot be reached, or is not migrated.') },
    },
  },
  '/metrics': {
    get: {
      tags: ['server'],
      operationId: 'metrics',
      summary: 'Counters of requests and of ingest, for Prometheus.',
      responses: {
        200: { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
        ...refs(401),
      },
    },
  },
};
