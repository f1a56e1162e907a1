// What people do from where they look: submit a job, and have the doctor look.
import { z } from 'zod';
import { BeaconError } from '../store/errors.ts';
import { primaryOf } from '../store/replica.ts';
import type { Row } from '../store/values.ts';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';
import { parseQuestions, question } from './question-file.ts';
import { askRunner } from './runner.ts';

/** `a, b` as a command line or an address has it, or a list as JSON has it. */
const list = (what: string) =>
  z
    .union([z.array(z.string().min(1)), z.string().min(1)])
    .transform((given) => (typeof given === 'string' ? split(given) : given))
    .describe(what);

/** A question may hold commas: those are lists only as JSON. */
function split(text: string): string[] {
  if (text.startsWith('[')) {
    const parsed = z.array(z.string().min(1)).safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
  }
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const detailed = z.union([z.string().min(1), question]);

/** JSON of questions, each a text or an object; anything else is one question. */
function questionsIn(given: string): z.input<typeof detailed>[] {
  const parsed = given.startsWith('[') ? z.array(detailed).safeParse(jsonOf(given)) : undefined;
  return parsed?.success ? parsed.data : [given];
}

export const submitJob = defineQuery({
  name: 'submit-job',
  aliases: ['submit'],
  doc: 'Submits a job to the runner: every model in every region answers every question.',
  params: {
    models: list('Models, separated by commas, or a JSON list.'),
    regions: list('Regions, separated by commas, or a JSON list.'),
    questions: z
      .union([z.array(detailed), z.string().min(1)])
      .transform((given) => (typeof given === 'string' ? questionsIn(given) : given))
      .optional()
      .describe(
        'One question, or a JSON list of them: texts, or objects with question, id, expected, scorer, field, score.',
      ),
    questions_file: z
      .string()
      .min(1)
      .optional()
      .describe('Text of a file of questions, JSON lines or CSV, with the same names as members or columns.'),
    idempotency_key: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Sending the same key again returns the same job instead of another.'),
  },
  oneOf: [['questions', 'questions_file']],
  row: z.object({
    job_id: c.text('The job.'),
    executions: c.count('Executions it has.'),
    replayed: z.boolean().describe('Whether the key led to a job that was there already.'),
  }),
  limit: { default: 1, max: 100 },
  mutates: true,
  run: async ({ params: { idempotency_key, questions_file, questions = [], ...job }, signal }) => {
    const file = questions_file === undefined ? undefined : parseQuestions(questions_file, 'questions_file');
    const rows = [
      await submit({ ...job, questions: file?.questions ?? questions }, { key: idempotency_key, signal }).catch(
        (error) => {
          throw file ? atLine(error, 'questions_file', file.lines) : error;
        },
      ),
    ];
    return { rows, truncated: null };
  },
});

/** @param sent Called with the bytes sent so far, and of how many. */
export async function submit(
  job: object,
  { key, signal, sent }: { key?: string | undefined; signal: AbortSignal; sent?: (bytes: number, of: number) => void },
): Promise<Row> {
  const { headers, body } = await askRunner('/api/v1/jobs/cross-region', {
    method: 'POST',
    ...(key && { headers: { 'idempotency-key': key } }),
    body: job,
    signal,
    withinMs: 120_000,
    ...(sent && { sent }),
  });
  return {
    job_id: String(body.job_id),
    executions: (body.executions as unknown[]).length,
    replayed: headers.get('idempotent-replayed') === 'true',
  };
}

/** What the runner says of question n, as the line of the file it is in. */
export function atLine(error: unknown, name: string, lines: readonly number[]): unknown {
  if (!(error instanceof BeaconError)) return error;
  const [, n, what] = /^questions\.(\d+)\.?(.*)$/s.exec(error.message) ?? [];
  return n === undefined
    ? error
    : new BeaconError(error.code, `${name}, line ${lines[Number(n)]}: ${what}`, error.hint);
}

/** What the doctor found, a row each; the first row is the verdict. */
type Examine = (options: { databaseUrl: string; url: string | undefined }) => Promise<Row[]>;

let examine: Examine | undefined;

/** The doctor stands above the queries (it uses them); main passes it in. */
export function provideDoctor(given: Examine): void {
  examine = given;
}

// A page that polls must not have a probe span sent every time.
const FRESH_MS = 15_000;
let last: { at: number; database: string; rows: Promise<Row[]> } | undefined;

const verdictRow = z.object({
  hop: c.text("Where on a span's way: flag, sdk, endpoint, accepted, committed, visible, linked; or configuration."),
  state: z.enum(['fault', 'unknown', 'note', 'good']).describe('fault, unknown (could not be checked), note, or good.'),
  fault: c.textOrNull('Code of a fault, for example FLAG_OFF.'),
  service: c.textOrNull('Service it is about; null for the whole.'),
  what: c.text('One sentence.'),
  evidence: c.json('Facts that were seen, by name.'),
  fix: c.textOrNull('What to do.'),
  examined_at: c.time('When the doctor looked.'),
});

const url = z
  .url({ protocol: /^https?$/ })
  .refine((text) => isLoopback(new URL(text).hostname), 'must be on this machine; `beacon doctor --url` takes any')
  .optional()
  .describe('Service to ask, on this machine (default: those started here, and what their heartbeats say).');

/** A caller must not be able to make this server fetch from anywhere. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

async function ask(databaseUrl: string, service: string | undefined): Promise<Row[]> {
  if (!examine) {
    throw new BeaconError('unavailable', 'The doctor is not part of this process.', 'Run `beacon doctor`.');
  }
  const rows = await examine({ databaseUrl, url: service });
  const at = new Date().toISOString();
  return rows.map((row) => ({ ...row, examined_at: at }));
}

export const doctor = defineQuery({
  name: 'doctor',
  doc: 'Why is there no trace? Follows a span through every hop; faults first. Looks at most once in 15 seconds.',
  params: { url },
  row: verdictRow,
  limit: { default: 100, max: 1000 },
  run: async ({ pool, params, limit }) => {
    const database = primaryOf(pool).options.connectionString ?? '';
    if (params.url !== undefined) return cutTo(await ask(database, params.url), limit);
    if (!last || last.database !== database || Date.now() - last.at > FRESH_MS) {
      last = { at: Date.now(), database, rows: ask(database, undefined) };
      last.rows.catch(() => {
        last = undefined;
      });
    }
    return cutTo(await last.rows, limit);
  },
});

export const runDoctor = defineQuery({
  name: 'run-doctor',
  doc: 'The same as doctor, looking anew.',
  params: { url },
  row: verdictRow,
  limit: { default: 100, max: 1000 },
  mutates: true,
  run: async ({ pool, params, limit }) =>
    cutTo(await ask(primaryOf(pool).options.connectionString ?? '', params.url), limit),
});

function cutTo(rows: Row[], limit: number): { rows: Row[]; truncated: string | null } {
  const more = rows.length > limit ? `Showing the first ${limit} of ${rows.length} findings: raise limit.` : null;
  return { rows: rows.slice(0, limit), truncated: more };
}
