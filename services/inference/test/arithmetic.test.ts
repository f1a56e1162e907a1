import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arithmeticAnswer, evaluate } from '../src/arithmetic.ts';
import { MODELS, simulatedAnswer } from '../src/model.ts';

for (const [question, answer] of [
  ['What is 2+2?', 4],
  ['What is 2 + 2 * 3?', 8],
  ['Calculate (3 + 4) times 2.', 14],
  ['what is 7 minus -2', 9],
  ['How much is 10 divided by 4?', 2.5],
  ['In 2024, what is 12 × 12?', 144],
  ['2^3^2', 512],
  ['-2^2', -4],
  ['What is 17 % 5?', 2],
  ['.5 + 1.', 1.5],
] as const) {
  test(`"${question}" is ${answer}`, () => assert.equal(arithmeticAnswer(question), answer));
}

for (const question of [
  'Who was born in 1815?',
  'Name a prime number.',
  'Is 3-',
  'What is 1/0?',
  'What is (2+3?',
  '',
  `${'('.repeat(10_000)}1+1`,
]) {
  test(`"${question.slice(0, 30)}" has no arithmetic answer`, () =>
    assert.equal(arithmeticAnswer(question), undefined));
}

test('only expressions are evaluated', () => {
  for (const text of ['process.exit()', '1;2', '2**3', '1+', '()', 'a+1', '1..2']) {
    assert.equal(evaluate(text), undefined, text);
  }
});

test('a sum shows no binary rounding, and every other answer is labelled as simulated', () => {
  const model = MODELS[0]!;
  assert.equal(simulatedAnswer(model, 'What is 0.1+0.2?').text, '0.3');
  const answer = simulatedAnswer(model, 'Who wrote Faust?');
  assert.match(answer.text, /^\[simulated\] llama-3\.2-1b /);
  assert.deepEqual(simulatedAnswer(model, 'Who wrote Faust?'), answer);
});
