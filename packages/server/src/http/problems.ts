// Errors as RFC 9457 problem details, with our code and a hint beside the standard members.
import type { FastifyError, FastifyReply } from 'fastify';
import { z } from 'zod';
import { BeaconError, ERROR_CODES } from '../store/errors.ts';

export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  /** One of the codes of the command line's errors, or of those only HTTP has. */
  code: string;
  hint: string;
  /** Wrong parameters, each with what is wrong about it. */
  errors?: Array<{ parameter: string; message: string }>;
  /** Id of the request, as in the header and in the log. */
  request_id?: string;
}

const LIST = 'GET /api/v1 lists every query with its parameters.';

/** What HTTP itself refuses: title, code and hint by status. */
const REFUSALS: Record<number, [title: string, code: string, hint: string]> = {
  400: ['Bad Request', 'usage', LIST],
  401: ['Unauthorized', 'unauthenticated', 'Send the header "Authorization: Bearer <BEACON_TOKEN>".'],
  403: ['Forbidden', 'forbidden', LIST],
  404: ['Not Found', 'not_found', LIST],
  405: ['Method Not Allowed', 'usage', LIST],
  409: ['Conflict', 'migration_refused', LIST],
  413: ['Content Too Large', 'too_large', 'Send less at once.'],
  415: ['Unsupported Media Type', 'usage', 'Send JSON with the header "content-type: application/json".'],
  429: ['Too Many Requests', 'rate_limited', 'Wait as long as Retry-After says; BEACON_RATE_LIMIT sets the rate.'],
  500: ['Internal Server Error', 'internal', "The server's log says more; look for the request_id."],
  503: ['Service Unavailable', 'unavailable', 'Try again in a moment.'],
  504: ['Gateway Timeout', 'statement_timeout', 'Narrow the question, or lower limit.'],
};

/** What a client sees of an error; nothing unexpected leaks its text. */
export function problemOf(error: unknown): Problem {
  if (error instanceof z.ZodError) {
    const errors = error.issues.map((issue) => ({ parameter: parameterOf(issue), message: issue.message }));
    const detail = errors.map(({ parameter, message }) => `${parameter}: ${message}`).join('; ');
    return { ...problem(400, 'usage', detail, LIST), errors };
  }
  if (error instanceof BeaconError) {
    return problem(ERROR_CODES[error.code].status, error.code, error.message, error.hint);
  }
  const { statusCode = 500, code, message } = error as FastifyError;
  if (code === 'FST_ERR_HANDLER_TIMEOUT') return refusal(504, 'The answer took longer than this server waits.');
  if (statusCode < 500) return refusal(statusCode, message);
  return refusal(500, 'The server failed on this request.');
}

/** @param detail What happened, in a sentence. */
export function refusal(status: number, detail: string): Problem {
  const [, code, hint] = REFUSALS[status] ?? ['Error', status < 500 ? 'usage' : 'internal', LIST];
  return problem(status, code, detail, hint);
}

export function sentenceOf404(method: string, path: string): Problem {
  return refusal(404, `There is no ${method} ${path}.`);
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ ...problem, request_id: reply.request.id });
}

function problem(status: number, code: string, detail: string, hint: string): Problem {
  return { type: 'about:blank', title: REFUSALS[status]?.[0] ?? 'Error', status, detail, code, hint };
}

function parameterOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.join(', ');
  return issue.path.join('.') || 'parameters';
}
