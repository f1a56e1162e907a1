// A day of a company's traces, made up but the same each time: ten services in three regions, benchmark jobs that fail and
// jobs that do not, and one attribute whose value makes a checkout slow. For tests, pictures and looking at pages.
import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import type pg from 'pg';
import { answerOf } from './sample-answers.ts';
import { type Call, random, spansOf } from './sample-spans.ts';

const RUNNER_SQL = path.join(import.meta.dirname, '../../../services/runner/sql');
const REGIONS = ['us-east', 'eu-west', 'asia-south'];
const MODELS = ['llama-3.2-1b', 'qwen2.5-1.5b', 'gemma-2-2b'];
const QUESTIONS = [
  'Who are you?',
  'What is 2+2?',
  'Name the capital of Switzerland.',
  'What happened in 1989?',
  'Write a haiku about rain.',
];
const HOUR = 3_600_000;

/** What was planted, for tests to find again. */
export const PLANTED = { service: 'checkout', operation: 'POST /orders', key: 'pricing.engine', value: 'v2' };

export interface SampleOptions {
  /** Requests to the shop, spread over the last day. Default 1,500. */
  requests?: number;
  /** Jobs, spread over the last day. Default 8. */
  jobs?: number;
  /** The end of the day. Default now. */
  now?: Date;
}

/** Fills a migrated database. */
export async function sample(client: pg.Client, options: SampleOptions = {}): Promise<void> {
  const now = (options.now ?? new Date()).getTime();
  await migrateUp(client, [readSet('beacon', SQL_DIR), readSet('runner', RUNNER_SQL)]);
  await client.query('select beacon.ensure_partitions(1, 2)');
  const calls: Call[] = [];
  const next = random(7);
  for (let i = 0; i < (options.requests ?? 1500); i++) calls.push(request(next, now - next() ** 1.2 * 24 * HOUR));
  const jobs = options.jobs ?? 8;
  for (let job = 1; job <= jobs; job++) {
    const at = now - (jobs - job + 0.4) * (20 / jobs) * HOUR;
    calls.push(...(await runJob(client, next, job, at, job === jobs)));
  }
  await store(client, calls);
  await tracers(client, now);
  await preflight(client, now);
}

/** A visit to the shop. For three hours now, half of the orders in one region are priced by a new, slow engine. */
function request(next: () => number, at: number): Call {
  const region = REGIONS[Math.floor(next() * 3)] as string;
  const slow = 1 + next() ** 8 * 6;
  const ms = (typical: number) => typical * slow * (0.7 + next() * 0.6);
  const roll = next();
  const auth: Call = { service: 'auth', operation: 'verify token', kind: 'server', ms: ms(6), at: 2 };
  const attributes = { 'http.response.status_code': 200, 'app.version': next() < 0.3 ? '2.14.1' : '2.14.0' };
  if (roll < 0.45) {
    const rows = Math.floor(next() * 40);
    const db: Call = {
      service: 'catalog',
      operation: 'SELECT products',
      kind: 'client',
      ms: ms(11),
      at: 4,
      attributes: { 'db.system': 'postgresql', 'db.rows': rows },
    };
    const catalog: Call = {
      service: 'catalog',
      operation: 'GET /products',
      kind: 'server',
      ms: ms(22),
      at: 10,
      calls: [db],
    };
    return {
      service: 'gateway',
      operation: 'GET /products',
      kind: 'server',
      ms: ms(42),
      at,
      region,
      attributes,
      calls: [auth, catalog],
    };
  }
  if (roll < 0.72) {
    const failed = next() < 0.03 ? { error: 'QuotaExceeded', message: 'index shard 3 is over its memory quota' } : {};
    const index: Call = { service: 'search', operation: 'query index', kind: 'server', ms: ms(60), at: 9, ...failed };
    return {
      service: 'gateway',
      operation: 'GET /search',
      kind: 'server',
      ms: ms(85),
      at,
      region,
      attributes,
      calls: [auth, index],
      ...failed,
    };
  }
  return order(next, at, region, ms, attributes, auth);
}

function order(
  next: () => number,
  at: number,
  region: string,
  ms: (typical: number) => number,
  attributes: object,
  auth: Call,
): Call {
  const isNew = region === 'eu-west' && Date.now() - at < 3 * HOUR && next() < 0.5;
  const pricing: Call = {
    service: 'pricing',
    operation: 'price cart',
    kind: 'server',
    ms: isNew ? 780 + next() * 420 : ms(24),
    at: 8,
    attributes: { 'pricing.engine': isNew ? 'v2' : 'v1' },
  };
  const declined = next() < 0.05;
  const payment: Call = {
    service: 'payments',
    operation: 'charge card',
    kind: 'server',
    ms: declined ? 3000 : ms(140),
    at: pricing.ms + 14,
    attributes: { 'payment.provider': next() < 0.7 ? 'northbank' : 'quickpay' },
    ...(declined && {
      status: 'timeout',
      error: 'DeadlineExceeded',
      message: 'northbank did not answer within 3000 ms',
    }),
  };
  const checkout: Call = {
    service: 'checkout',
    operation: 'POST /orders',
    kind: 'server',
    ms: pricing.ms + payment.ms + 30,
    at: 11,
    attributes: { 'pricing.engine': isNew ? 'v2' : 'v1', 'cart.items': 1 + Math.floor(next() * 7) },
    calls: [pricing, payment],
    ...(declined && { error: 'PaymentFailed', message: 'payment was not confirmed in time' }),
  };
  const failed = declined ? { error: 'HTTP 502', message: 'upstream checkout answered 502' } : {};
  return {
    service: 'gateway',
    operation: 'POST /orders',
    kind: 'server',
    ms: checkout.ms + 26,
    at,
    region,
    attributes: { ...attributes, 'pricing.engine': isNew ? 'v2' : 'v1' },
    calls: [auth, checkout],
    ...failed,
  };
}

/** A benchmark job as the runner records it, and its traces. The last one still runs; each fourth meets a region that hangs. */
async function runJob(
  client: pg.Client,
  next: () => number,
  job: number,
  at: number,
  running: boolean,
): Promise<Call[]> {
  const questions = QUESTIONS.slice(0, 2 + (job % 4));
  const models = MODELS.slice(0, 2 + (job % 2));
  await client.query(
    `insert into runner.jobs (models, regions, questions, request_hash, created_at) values ($1, $2, $3, $4, $5)`,
    [models, REGIONS, questions, createHash('sha256').update(`${job}`).digest('hex'), new Date(at)],
  );
  const calls: Call[] = [];
  const { rows } = await client.query('select max(id) as id from runner.jobs');
  const jobId = rows[0].id as string;
  let i = 0;
  for (const question of questions) {
    for (const region of REGIONS) {
      for (const model of models) {
        const begun = at + i * 350;
        const state =
          running && i > models.length * REGIONS.length * questions.length * 0.6
            ? 'pending'
            : outcome(next, job, region, model, question);
        calls.push(...(await execution(client, next, { jobId, model, region, question, begun, state })));
        i++;
      }
    }
  }
  return calls;
}

function outcome(next: () => number, job: number, region: string, model: string, question: string): string {
  if (job % 4 === 2 && region === 'asia-south') return 'timeout';
  if (job % 4 === 3 && model === 'gemma-2-2b') return 'unconfigured';
  if (question.includes('1989') && model === 'qwen2.5-1.5b') return 'empty';
  if (job === 5 && region === 'us-east' && next() < 0.5) return 'untraced';
  return next() < 0.04 ? 'limited' : 'completed';
}

interface Execution {
  jobId: string;
  model: string;
  region: string;
  question: string;
  begun: number;
  state: string;
}

const FAILURES: Record<string, { ms: number; error: string; message: string }> = {
  timeout: { ms: 5000, error: 'network_timeout', message: 'provider did not answer within 5000 ms' },
  unconfigured: { ms: 14, error: 'configuration_error', message: 'HYBRID_ROUTER_URL is not set' },
  limited: { ms: 90, error: 'rate_limit_exceeded', message: 'provider: 429, retry after 20 s' },
};

async function execution(client: pg.Client, next: () => number, given: Execution): Promise<Call[]> {
  const { jobId, model, region, question, begun, state } = given;
  const failure = FAILURES[state];
  const ms = failure?.ms ?? 300 + next() ** 3 * 2600;
  const ended = state !== 'pending';
  const tokens = state === 'empty' ? 0 : Math.round(20 + next() * 180);
  const { rows } = await client.query(
    `insert into runner.executions (job_id, model_id, region, question, status, attempt, max_attempts, output_data,
       error_type, error_message, created_at, started_at, completed_at, duration_ms)
     values ($1, $2, $3, $4, $5, $6, 3, $7, $8, $9, $10, $11, $12, $13) returning id`,
    [
      jobId,
      model,
      region,
      question,
      !ended ? 'pending' : failure ? 'failed' : 'completed',
      ended ? 1 : 0,
      failure || !ended
        ? null
        : {
            answer: state === 'empty' ? '' : answerOf(question, model, region),
            usage: { prompt_tokens: question.length, completion_tokens: tokens },
          },
      failure?.error ?? null,
      failure?.message ?? null,
      new Date(begun),
      ended ? new Date(begun) : null,
      ended ? new Date(begun + ms) : null,
      ended ? ms : null,
    ],
  );
  if (!ended || state === 'untraced') return [];
  const error = failure && { error: failure.error, message: failure.message };
  const usage = {
    'gen_ai.request.model': model,
    'gen_ai.usage.input_tokens': question.length,
    'gen_ai.usage.output_tokens': tokens,
  };
  const work: Call[] = [
    { service: 'inference', operation: 'tokenize', kind: 'internal', ms: 3.1, at: 1 },
    { service: 'inference', operation: 'generate', kind: 'internal', ms: ms * 0.7, at: 6, attributes: usage },
  ];
  const inference: Call = {
    service: 'inference',
    operation: 'chat',
    kind: 'server',
    ms: ms * 0.8,
    at: ms * 0.08,
    attributes: usage,
    calls: state === 'limited' ? [] : work,
    ...(state === 'limited' && error),
  };
  const hop: Call = {
    service: 'router',
    operation: 'call provider',
    kind: 'client',
    ms: ms * 0.9,
    at: ms * 0.05,
    attributes: {
      'server.address': `simulated-${region}`,
      // One provider sends what is meant for one region to another.
      'beacon.served_region': model === 'llama-3.2-1b' && region === 'eu-west' ? 'us-east' : region,
    },
    calls: state === 'timeout' ? [] : [inference],
    ...(state === 'timeout' && { status: 'timeout' }),
    ...error,
  };
  const choose: Call = { service: 'router', operation: 'choose provider', kind: 'internal', ms: ms * 0.04, at: 1 };
  const router: Call = {
    service: 'router',
    operation: 'POST /inference',
    kind: 'server',
    ms: ms * 0.96,
    at: ms * 0.01,
    calls: [choose, hop],
    ...error,
  };
  const receipt: Call = { service: 'receipts', operation: 'sign', kind: 'internal', ms: ms * 0.015, at: ms * 0.975 };
  return [
    {
      service: 'runner',
      operation: 'execution.run',
      kind: 'consumer',
      ms,
      at: begun,
      region,
      model,
      job: jobId,
      execution: String(rows[0].id),
      attributes: { 'messaging.operation': 'process', question },
      calls: state === 'unconfigured' ? [] : failure ? [router] : [router, receipt],
      ...error,
    },
  ];
}

async function store(client: pg.Client, calls: Call[]): Promise<void> {
  const spans = calls.flatMap((call, i) => spansOf(call, i));
  for (let i = 0; i < spans.length; i += 4000) {
    await client.query(
      `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at,
         completed_at, duration_ms, execution_id, job_id, model_id, region, error_type, error_message, metadata, events)
       select trace_id, decode(span_id, 'hex'), decode(parent_span_id, 'hex'), service, operation, kind, status, started_at,
         completed_at, duration_ms, execution_id, job_id, model_id, region, error_type, error_message, metadata, events
       from jsonb_to_recordset($1) as r (trace_id uuid, span_id text, parent_span_id text, service text, operation text,
         kind text, status text, started_at timestamptz, completed_at timestamptz, duration_ms double precision,
         execution_id bigint, job_id text, model_id text, region text, error_type text, error_message text, metadata jsonb,
         events jsonb)`,
      [JSON.stringify(spans.slice(i, i + 4000))],
    );
  }
  const traces = [...new Set(spans.map((span) => span.trace_id))];
  await client.query('select beacon.recount_traces($1::uuid[])', [traces]);
  await client.query('analyze');
}

async function tracers(client: pg.Client, now: number): Promise<void> {
  const services = [
    'runner',
    'router',
    'inference',
    'receipts',
    'gateway',
    'auth',
    'catalog',
    'search',
    'checkout',
    'pricing',
    'payments',
  ];
  for (const [i, service] of services.entries()) {
    const dropped = service === 'search' ? { buffer_full: 412 } : {};
    const silent = service === 'payments';
    await client.query(
      `insert into beacon.tracers (tracer_id, service, instance, pid, flag, flag_source, versions, spans_started, spans_ended,
         spans_written, spans_dropped, write_failures, last_error, last_error_at, clock_offset_ms, started_at, heartbeat_at)
       values (gen_random_uuid(), $1, $2, $3, 'true', 'ENABLE_DB_TRACING', '{"tracer": "0.1.0"}', $4, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        service,
        `host-${1 + (i % 3)}`,
        4000 + i,
        9000 + i * 731,
        9000 + i * 731 - (service === 'search' ? 412 : 0),
        dropped,
        silent ? 3 : 0,
        silent ? 'connect ECONNREFUSED 10.0.4.7:5432' : null,
        silent ? new Date(now - 600_000) : null,
        i === 6 ? 38.2 : 0.3,
        new Date(now - 20 * HOUR),
        new Date(silent ? now - 600_000 : now),
      ],
    );
  }
}

/** What `beacon preflight` left: a GO with one thing to look at. */
async function preflight(client: pg.Client, now: number): Promise<void> {
  const checks = [
    ['Database health', 'go', 'PostgreSQL 18, 12 of 100 connections (12 %), 4.1 GB, direct', ''],
    ['Performance baseline', 'go', '212 completed executions in 7 days, average 812 ms, p95 2410 ms', ''],
    ['Write performance', 'go', '1.21 ms an insert (of 100), 3.4 ms for 100 at once', ''],
    ['Feature flag', 'warn', 'runner on, router on, payments unknown', 'payments does not say whether its flag is on'],
    ['Rollback', 'go', 'tables up 41 ms, down 12 ms, up again, in a scratch schema', ''],
  ].map(([name, state, numbers, reason], i) => ({ number: i + 1, name, state, numbers, reason }));
  await client.query(
    `insert into beacon.preflights (preflight_id, taken_at, taken_by, decision, checks) values (gen_random_uuid(), $1, 'ops', 'GO', $2)`,
    [new Date(now - 19 * HOUR), JSON.stringify(checks)],
  );
}
