// Columns of answers: what their values look like in every API.
import { z } from 'zod';
import { KINDS, STATUSES } from '../filter/parse.ts';

export const text = (doc: string) => z.string().describe(doc);
export const textOrNull = (doc: string) => z.string().nullable().describe(doc);
export const texts = (doc: string) => z.array(z.string()).describe(doc);
export const textsOrNull = (doc: string) => z.array(z.string()).nullable().describe(doc);
export const number = (doc: string) => z.number().describe(doc);
export const numberOrNull = (doc: string) => z.number().nullable().describe(doc);
export const count = (doc: string) => z.int().describe(doc);
export const flag = (doc: string) => z.boolean().describe(doc);
/** ISO 8601 in UTC with microseconds. */
export const time = (doc: string) => z.string().describe(`${doc} ISO 8601.`);
export const timeOrNull = (doc: string) => z.string().nullable().describe(`${doc} ISO 8601.`);
export const json = (doc: string) => z.unknown().describe(doc);

export const traceIdColumn = text('Trace id, as a uuid.');
export const spanIdColumn = text('Span id, 16 hex digits.');
export const parentSpanIdColumn = textOrNull('Span id of the parent; null for a root.');
export const serviceColumn = text('Service that ran it.');
export const operationColumn = text('Name of the span.');
export const statusColumn = z.enum(STATUSES).describe('started, completed, failed, timeout or lost.');
export const statusOrNullColumn = z.enum(STATUSES).nullable().describe('The same; null where it has no such span.');
export const kindColumn = z.enum(KINDS).describe('internal, server, client, producer or consumer.');
export const executionIdColumn = textOrNull('Key of the execution it worked for: an integer, or another text.');
export const jobIdColumn = textOrNull('Job of that execution.');
export const modelIdColumn = textOrNull('Model asked for.');
export const regionColumn = textOrNull('Region it ran in or was meant for.');
export const errorTypeColumn = textOrNull('Class of the error.');
export const errorMessageColumn = textOrNull('Message of the error.');
export const durationColumn = numberOrNull('Milliseconds; null while it has not ended.');

/**
 * The columns of a row, from a function that gives keys of executions in two: the integer and the text. Answers have one,
 * under the name of the integer.
 */
export function keyed({ shape }: z.ZodObject): string {
  return Object.keys(shape)
    .map((name) => (name.endsWith('execution_id') ? `${executionSql(name)} as ${name}` : name))
    .join(', ');
}

/** The key of an execution as text, from the column of its integer and the one beside it. */
export function executionSql(column: string): string {
  return `coalesce(${column.replace(/id$/, 'key')}, ${column}::text)`;
}

/** Columns with which a span is named wherever spans are listed. */
export const spanColumns = {
  trace_id: traceIdColumn,
  span_id: spanIdColumn,
  parent_span_id: parentSpanIdColumn,
  service: serviceColumn,
  operation: operationColumn,
  kind: kindColumn,
  status: statusColumn,
  started_at: time('Start by the clock of its process.'),
};
