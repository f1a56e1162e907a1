// What the runner would refuse, said before it is asked.

export interface JobDraft {
  models: string[];
  regions: string[];
  questions: string[];
}

const MAX_EXECUTIONS = 10_000;
const LONGEST_QUESTION = 20_000;

/** What is wrong, by field; empty when nothing is. `all` is about the three together. */
export function wrongIn({ models, regions, questions }: JobDraft): Partial<Record<keyof JobDraft | 'all', string>> {
  const wrong: ReturnType<typeof wrongIn> = {};
  if (models.length === 0) wrong.models = 'Choose at least one model.';
  if (regions.length === 0) wrong.regions = 'Choose at least one region.';
  const odd = regions.find((region) => !/^[\w.-]+$/.test(region));
  if (odd) wrong.regions = `“${odd}”: a region has letters, digits, “.”, “_” and “-” only.`;
  if (questions.length === 0) wrong.questions = 'Write at least one question.';
  const repeated = questions.find((question, i) => questions.indexOf(question) !== i);
  if (repeated) wrong.questions = `“${repeated}” is there twice.`;
  const long = questions.find((question) => question.length > LONGEST_QUESTION);
  if (long) wrong.questions = `A question has at most ${LONGEST_QUESTION} characters.`;
  if (size({ models, regions, questions }) > MAX_EXECUTIONS)
    wrong.all = `A job has at most ${MAX_EXECUTIONS} executions.`;
  return wrong;
}

/** Executions the job would have. */
export function size({ models, regions, questions }: JobDraft): number {
  return models.length * regions.length * questions.length;
}
