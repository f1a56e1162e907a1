// What the models of the sample day answer.

/** Regions agree, but for a capital that one model has wrong in one region, and a question that one of them refuses. */
export function answerOf(question: string, model: string, region: string): string {
  if (question.includes('2+2')) return region === 'eu-west' ? 'Four: 2 + 2 = 4.' : '4';
  if (question.includes('Switzerland')) {
    return model === 'qwen2.5-1.5b' && region === 'asia-south'
      ? 'The capital of Switzerland is Zurich.'
      : 'The capital of Switzerland is Bern.';
  }
  if (question.includes('1989')) {
    return region === 'asia-south'
      ? "I'm sorry, but I can't discuss that topic."
      : 'The Berlin Wall fell, and with it the division of Germany.';
  }
  if (question.includes('haiku')) return `Rain on ${region}\nthe gutter counts to seven\nand starts again: one`;
  return `I am ${model}, a language model.`;
}
