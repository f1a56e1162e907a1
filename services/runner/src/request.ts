import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RequestError } from './errors.ts';

const MAX_EXECUTIONS = 10_000;

/** PostgreSQL's text holds no U+0000, and a question with one is a mistake of the sender. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !value.includes('\0'), { error: 'must not contain U+0000' });

const list = (item: z.ZodString) =>
  z
    .array(item)
    .min(1)
    .refine((items) => new Set(items).size === items.length, { error: 'must not repeat an entry' });

/** A question with what it should be answered with, and how that is decided: see `beacon.expected_answers`. */
const detailed = z.strictObject({
  question: text(20_000),
  /** Stands for the text wherever jobs are compared. */
  id: text(200).optional(),
  expected: text(20_000).optional(),
  scorer: z.enum(['exact', 'contains', 'regex', 'json']).default('exact'),
  /** For json: the path of the member. */
  field: text(200).optional(),
  /** Name of the score. */
  score: text(200).default('correct'),
  /** The answer is a judgement of this execution, and becomes the score of that name. */
  judges: z.strictObject({ execution: text(200), name: text(200) }).optional(),
});

const questions = z
  .array(z.union([text(20_000), detailed]))
  .min(1)
  .transform((given) => given.map((each) => (typeof each === 'string' ? detailed.parse({ question: each }) : each)))
  .refine((all) => new Set(all.map(({ id, question }) => id ?? question)).size === all.length, {
    error: 'must not repeat an entry',
  });

export type Question = z.output<typeof detailed>;

const crossRegion = z
  .strictObject({
    models: list(text(200)),
    // A region names a queue, so its letters are those a queue may have.
    regions: list(text(100).regex(/^[\w.-]+$/, { error: 'may have letters, digits, ".", "_" and "-"' })),
    questions,
  })
  .superRefine(({ models, regions, questions }, issues) => {
    const lists = { models, regions, questions };
    const executions = models.length * regions.length * questions.length;
    if (executions <= MAX_EXECUTIONS) return;
    const longest = Object.entries(lists).sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? 'models';
    const sum = Object.values(lists).map((entries) => entries.length);
    issues.addIssue({
      code: 'custom',
      path: [longest],
      message: `${sum.join(' x ')} = ${executions} executions; a job has at most ${MAX_EXECUTIONS}`,
    });
  });

export type CrossRegionJob = z.infer<typeof crossRegion>;

/** @throws RequestError 400 that names the field. */
export function readJob(body: unknown): CrossRegionJob {
  return read(crossRegion, body ?? {});
}

/** Tells a repeated request from another one under the same Idempotency-Key. */
export function requestHash({ models, regions, questions }: CrossRegionJob): string {
  return createHash('sha256')
    .update(JSON.stringify([models, regions, questions.map(told)]))
    .digest('hex');
}

/** A plain question as the text it came as: its hash must stay what it was. */
function told({ scorer, score, ...rest }: Question): unknown {
  const { question, ...more } = rest;
  return Object.keys(more).length === 0 ? question : { question, scorer, score, ...more };
}

/** @throws RequestError 400 for a key that is empty or longer than 200 characters. */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && header.length > 0 && header.length <= 200) return header;
  throw new RequestError(400, 'invalid_request', 'Idempotency-Key must have 1 to 200 characters.', 'Idempotency-Key');
}

const id = z.strictObject({ id: z.string().regex(/^[1-9]\d{0,17}$/, { error: 'must be a positive whole number' }) });

export function readId(params: unknown): string {
  return read(id, params).id;
}

const rerun = z.strictObject({
  only: z.enum(['infrastructure', 'failed', 'flaky']),
  region: z.string().min(1).max(100).optional(),
});

export type Rerun = z.infer<typeof rerun>;

/** @throws RequestError 400 that names the field. */
export function readRerun(body: unknown): Rerun {
  return read(rerun, body ?? {});
}

const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  /** Rows with a smaller id (jobs) or a greater one (executions) than this. */
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  status: z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled']).optional(),
});

export type Page = z.infer<typeof page>;

export function readPage(query: unknown): Page {
  return read(page, query);
}

function read<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = unknown ?? (issue?.path.join('.') || 'body');
  throw new RequestError(
    400,
    'invalid_request',
    `${field}: ${unknown ? 'is not a known field' : issue?.message}`,
    field,
  );
}
