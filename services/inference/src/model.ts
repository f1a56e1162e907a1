// The simulated provider: no weights, no network, and always labelled as what it is.
import { createHash } from 'node:crypto';
import { arithmeticAnswer } from './arithmetic.ts';

export interface SimulatedModel {
  id: string;
  /** Milliseconds a generated token takes, so that durations differ by model and by length as real ones do. */
  msPerToken: number;
}

export const MODELS: readonly SimulatedModel[] = [
  { id: 'llama-3.2-1b', msPerToken: 2 },
  { id: 'qwen2.5-1.5b', msPerToken: 3 },
];

export interface Answer {
  text: string;
  /** Tokens counted by the simulation: words and punctuation marks. */
  outputTokens: number;
  /** How long the simulated model takes to write it, milliseconds. */
  generationMs: number;
}

/** The same model and question always get the same answer. */
export function simulatedAnswer(model: SimulatedModel, question: string): Answer {
  const number = arithmeticAnswer(question);
  const text = number === undefined ? placeholder(model.id, question) : written(number);
  const outputTokens = countTokens(text);
  return { text, outputTokens, generationMs: outputTokens * model.msPerToken };
}

function placeholder(model: string, question: string): string {
  const mark = createHash('sha256').update(`${model}\n${question}`).digest('hex').slice(0, 8);
  return `[simulated] ${model} has no weights here and cannot answer this question (${mark}).`;
}

/** At most 10 decimals: 0.1 + 0.2 shows as 0.3. */
function written(value: number): string {
  return String(Number(value.toFixed(10)));
}

export function countTokens(text: string): number {
  return text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)?.length ?? 0;
}
