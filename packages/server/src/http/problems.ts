// Errors as RFC 9457 problem details, with our code and a hint beside the standard members.
import type { FastifyError, FastifyReply } from 'fastify';
import { z } from 'zod';
import { BeaconError, ERROR_CODES } from '../store/errors.ts';

export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  /** One of the codes of the command line's errors. */
  code: string;
  hint: string;
  /** Wrong parameters, each with what is wrong about it. */
  errors?: Array<{ parameter: string; message: string }>;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** What a client sees of an error; nothing unexpected leaks its text. */
export function problemOf(error: unknown): Problem {
  if (error instanceof z.ZodError) {
    const errors = error.issues.map((issue) => ({ parameter: parameterOf(issue), message: issue.message }));
    const detail = errors.map(({ parameter, message }) => `${parameter}: ${message}`).join('; ');
    return { ...problem(400, 'usage', detail, 'GET /api/v1 lists every operation with its parameters.'), errors };
  }
  if (error instanceof BeaconError) {
    return problem(ERROR_CODES[error.code].status, error.code, error.message, error.hint);
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) return problem(status, 'usage', (error as Error).message, 'GET /api/v1 lists every operation.');
  return problem(500, 'internal', 'The server failed on this request.', "The server's log says more.");
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(problem);
}

export function problem(status: number, code: string, detail: string, hint: string): Problem {
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail, code, hint };
}

function parameterOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.join(', ');
  return issue.path.join('.') || 'parameters';
}
