// A file of questions: JSON lines or CSV, with ids and expected answers where they are known.
import { z } from 'zod';
import { BeaconError } from '../store/errors.ts';
import { csvRows } from './csv.ts';

const text = (max: number) => z.string().trim().min(1).max(max);

/** As the runner takes it. */
export const question = z.strictObject({
  question: z.string().min(1).max(20_000),
  id: text(200).optional(),
  expected: z.string().min(1).max(20_000).optional(),
  scorer: z.enum(['exact', 'contains', 'regex', 'json']).optional(),
  field: text(200).optional(),
  score: text(200).optional(),
});

export type Question = z.infer<typeof question>;

const COLUMNS = Object.keys(question.shape).join(', ');

/**
 * Reads the questions of a file; `lines[n]` is the line in which question n begins.
 *
 * @param name How errors call the file.
 * @throws BeaconError that names the line and the column.
 */
export function parseQuestions(content: string, name: string): { questions: Question[]; lines: number[] } {
  const wrong = (line: number | undefined, what: string) =>
    new BeaconError(
      'usage',
      `${name}${line === undefined ? '' : `, line ${line}`}: ${what}`,
      `JSON lines with the members, or CSV with the columns, ${COLUMNS}; only question is needed.`,
    );
  const questions: Question[] = [];
  const lines: number[] = [];
  const seen = new Map<string, number>();
  for (const { line, given } of rowsOf(content, wrong)) {
    const { data, error } = question.safeParse(given);
    if (error) throw wrong(line, sentence(error));
    if (data.expected === undefined && (data.scorer ?? data.field ?? data.score) !== undefined)
      throw wrong(line, 'expected is missing: scorer, field and score are about it.');
    const key = data.id ?? data.question;
    const before = seen.get(key);
    if (before !== undefined)
      throw wrong(line, `${data.id ? 'the id' : 'the question'} "${key.slice(0, 60)}" is in line ${before} already.`);
    seen.set(key, line);
    questions.push(data);
    lines.push(line);
  }
  if (questions.length === 0) throw wrong(undefined, 'there is no question in it.');
  return { questions, lines };
}

function rowsOf(content: string, wrong: (line: number | undefined, what: string) => Error) {
  const body = content.replace(/^\uFEFF/, '');
  if (/^\s*[{[]/.test(body)) {
    return body.split('\n').flatMap((row, n) => {
      if (row.trim() === '') return [];
      try {
        return [{ line: n + 1, given: JSON.parse(row) as unknown }];
      } catch {
        throw wrong(n + 1, 'this is not one JSON object a line.');
      }
    });
  }
  try {
    // An empty field is one that is not there.
    return csvRows(content).map(({ line, fields }) => ({
      line,
      given: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')),
    }));
  } catch (error) {
    throw wrong(undefined, (error as Error).message);
  }
}

function sentence(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') return `${issue.keys[0]} is not a known column.`;
  const column = issue?.path.join('.');
  return column ? `${column}: ${issue?.message}.` : `${issue?.message}.`;
}
