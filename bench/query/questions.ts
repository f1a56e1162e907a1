// What is asked, how fast it should be answered, and how fast Jaeger 2 with badger did it.

export interface Question {
  what: string;
  /** p95, milliseconds, with some 400,000 spans; with ten million twice that. */
  target: number;
  /** Jaeger's p95 on the machine of README's figures, measured elsewhere; undefined where it has no such question. */
  jaeger?: number;
  at: 'jaeger' | 'api';
  path: (round: Round) => string;
}

export interface Round {
  /** Counted from 0. */
  n: number;
  traceId: string;
  /** Microseconds since the epoch. */
  now: number;
}

const HOURS_US = 7_200_000_000;

function search(more: Record<string, string>): Question['path'] {
  return ({ now }) =>
    `/api/traces?${new URLSearchParams({ service: 'payment', limit: '20', start: `${now - HOURS_US}`, end: `${now}`, ...more })}`;
}

const tags = (of: Record<string, string>) => ({ tags: JSON.stringify(of) });

export const QUESTIONS: Question[] = [
  { what: 'trace by id', target: 4, jaeger: 2.1, at: 'jaeger', path: ({ traceId }) => `/api/traces/${traceId}` },
  { what: 'newest 20 of a service', target: 40, jaeger: 43, at: 'jaeger', path: search({}) },
  { what: 'rare attribute', target: 8, jaeger: 2.6, at: 'jaeger', path: search(tags({ rare: 'needle' })) },
  {
    what: 'common attribute, newest 20',
    target: 25,
    jaeger: 22,
    at: 'jaeger',
    path: (round) => search(tags({ tenant: `t${round.n % 50}` }))(round),
  },
  { what: 'minimum duration, newest 20', target: 60, jaeger: 63, at: 'jaeger', path: search({ minDuration: '300ms' }) },
  { what: 'services', target: 5, jaeger: 0.7, at: 'jaeger', path: () => '/api/services' },
  {
    what: 'operations of a service',
    target: 5,
    jaeger: 0.6,
    at: 'jaeger',
    path: () => '/api/services/payment/operations',
  },
  { what: 'services with counts, of a day', target: 300, at: 'api', path: () => '/api/v1/services' },
  { what: 'operations with counts, of a day', target: 300, at: 'api', path: () => '/api/v1/operations' },
  { what: 'dependencies of an hour', target: 50, at: 'api', path: () => '/api/v1/dependencies?from=70m' },
  { what: 'heatmap of two hours', target: 300, at: 'api', path: () => '/api/v1/heatmap?from=2h' },
  {
    what: 'heatmap of a rare attribute',
    target: 300,
    at: 'api',
    path: () => '/api/v1/heatmap?from=2h&q=rare%3Dneedle',
  },
  { what: 'series of a service', target: 300, at: 'api', path: () => '/api/v1/series?from=2h&service=payment' },
  {
    what: 'differences, of a rare attribute',
    target: 300,
    at: 'api',
    path: () => '/api/v1/differences?from=2h&q=rare%3Dneedle&min_ms=100',
  },
  { what: 'findings of a day', target: 300, at: 'api', path: () => '/api/v1/findings?from=24h' },
  { what: 'newest spans of a user', target: 300, at: 'api', path: ({ n }) => `/api/v1/spans?q=user.id%3Du${100 + n}` },
];

export const LARGE_TRACE = 'b'.repeat(32);

export const LARGE: Question = {
  what: 'a trace of 100,000 spans as columns, laid out',
  target: 500,
  at: 'api',
  path: () => `/api/v1/trace-columns?trace_id=${LARGE_TRACE}`,
};
