// Parameters that several queries take, so that they mean the same everywhere.
import { z } from 'zod';
import { TRACE_ID } from '../filter/parse.ts';
import type { Argument } from './query.ts';

const SHORT_TRACE_ID = /^[0-9a-f]{16}$/i;

/** An integer or any other key, as text: JavaScript's numbers would round the one, and the other is none. */
export const executionId = z
  .string()
  .refine((text) => text !== '', 'must not be empty')
  .refine((text) => text.length <= 2_000, 'must have at most 2,000 characters')
  .refine((text) => !text.includes('\u0000') && text.isWellFormed(), 'cannot be in the database')
  .describe('Execution key (beacon.execution_id).');

/** 32 hex digits, as W3C writes it, the same as a uuid, or the 16 digits of tracers whose ids are half as long. */
export const traceId = z
  .string()
  .regex(
    new RegExp(`${TRACE_ID.source}|${SHORT_TRACE_ID.source}`, 'i'),
    'must be a trace id: 32 hex digits (or 16), or a uuid',
  )
  .overwrite((text) => (SHORT_TRACE_ID.test(text) ? text.padStart(32, '0') : text))
  .describe('Trace id: 32 hex digits (or 16), or a uuid.');

export const spanId = z
  .string()
  .regex(/^[0-9a-f]{16}$/i, 'must be a span id: 16 hex digits')
  .describe('Span id: 16 hex digits.');

export const jobId = z.string().min(1).describe('Job id (beacon.job_id).');

export const service = z.string().min(1).describe('Service name (service.name).');

/** The argument `<execution|trace id>`: trace ids are recognised by their 32 digits, or 16 with a letter among them. */
export function executionOrTrace(executionKey = 'execution_id', traceKey = 'trace_id'): Argument {
  return {
    name: 'execution|trace',
    params: (text): Record<string, string> => {
      // Sixteen decimal digits are an execution: their trace is asked for by `--trace-id`.
      const isTrace = TRACE_ID.test(text) || (SHORT_TRACE_ID.test(text) && /[a-f]/i.test(text));
      return isTrace ? { [traceKey]: text } : { [executionKey]: text };
    },
  };
}

/** The trace of an execution where one is needed: its newest, because that is the last attempt. */
export function traceOf(trace: number, execution: number): string {
  return `(select m.trace_id from beacon.meant($${trace}::uuid, $${execution}::text) m
    order by m.started_at desc nulls last, m.trace_id limit 1)`;
}
