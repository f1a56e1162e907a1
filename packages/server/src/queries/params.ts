// Parameters that several operations take, so that they mean the same everywhere.
import { z } from 'zod';
import { isBigint, TRACE_ID } from '../filter/parse.ts';
import type { Argument } from './query.ts';

/** A bigint as text: JavaScript's numbers would round it. */
export const executionId = z
  .string()
  .regex(/^-?\d{1,19}$/, { error: 'must be a whole number', abort: true })
  .refine(isBigint, 'must fit into 64 bits')
  .describe('Execution id (beacon.execution_id).');

/** 32 hex digits, as W3C writes it, or the same as a uuid. */
export const traceId = z
  .string()
  .regex(TRACE_ID, 'must be a trace id: 32 hex digits, or a uuid')
  .describe('Trace id: 32 hex digits or a uuid.');

export const spanId = z
  .string()
  .regex(/^[0-9a-f]{16}$/i, 'must be a span id: 16 hex digits')
  .describe('Span id: 16 hex digits.');

export const jobId = z.string().min(1).describe('Job id (beacon.job_id).');

export const service = z.string().min(1).describe('Service name (service.name).');

/** The argument `<execution|trace id>`: trace ids are recognised by their 32 digits. */
export function executionOrTrace(executionKey = 'execution_id', traceKey = 'trace_id'): Argument {
  return {
    name: 'execution|trace',
    params: (text): Record<string, string> => (TRACE_ID.test(text) ? { [traceKey]: text } : { [executionKey]: text }),
  };
}

/** The trace of an execution where one is needed: its newest, because that is the last attempt. */
export function traceOf(trace: number, execution: number): string {
  return `coalesce($${trace}::uuid, (select trace_id from beacon.trace_executions
    where execution_id = $${execution}::bigint order by started_at desc, trace_id limit 1))`;
}
