// The simulated provider: no weights, no network, and always labelled as what it is.
import { createHash } from 'node:crypto';
import { arithmeticAnswer } from './arithmetic.ts';
import { fact } from './knowledge.ts';

export interface SimulatedModel {
  id: string;
  /** Milliseconds a generated token takes, so that durations differ by model and by length as real ones do. */
  msPerToken: number;
}

export const MODELS: readonly SimulatedModel[] = [
  { id: 'llama-3.2-1b', msPerToken: 2 },
  { id: 'qwen2.5-1.5b', msPerToken: 3 },
];

/** How a region's answers depart from the usual ones; what a fault asks for. */
export type Manner = 'usual' | 'other_answer' | 'refusal' | 'truncated' | 'empty_output';

export interface Answer {
  text: string;
  /** `stop`, or `length` where it was cut. */
  finishReason: string;
  /** Tokens counted by the simulation: words and punctuation marks. */
  outputTokens: number;
  /** How long the simulated model takes to write it, milliseconds. */
  generationMs: number;
}

const REFUSAL = "I'm sorry, but I can't help with that request.";
/** Tokens after which an answer is cut where truncation is asked for. */
const CUT_AFTER = 3;

/**
 * The same model, question and manner always get the same answer.
 *
 * @param maxTokens tokens it may have; it is cut there, as a real one is.
 */
export function simulatedAnswer(
  model: SimulatedModel,
  question: string,
  manner: Manner = 'usual',
  maxTokens?: number,
): Answer {
  const text = { refusal: REFUSAL, empty_output: '' }[manner as string] ?? written(model.id, question, manner);
  const limit = Math.min(
    maxTokens ?? Number.POSITIVE_INFINITY,
    manner === 'truncated' ? CUT_AFTER : Number.POSITIVE_INFINITY,
  );
  const pieces = chunksOf(manner === 'truncated' ? `${text} To be exact, the reason is as follows` : text);
  const kept = pieces.slice(0, limit);
  return {
    text: kept.join(''),
    finishReason: kept.length < pieces.length ? 'length' : 'stop',
    outputTokens: kept.length,
    generationMs: kept.length * model.msPerToken,
  };
}

function written(model: string, question: string, manner: Manner): string {
  const differs = manner === 'other_answer';
  const known = fact(question, differs);
  if (known !== undefined) return known;
  const number = arithmeticAnswer(question);
  if (number !== undefined) return decimal(differs ? number + 1 : number);
  const mark = createHash('sha256').update(`${model}\n${question}\n${differs}`).digest('hex').slice(0, 8);
  return `[simulated] ${model} has no weights here and cannot answer this question (${mark}).`;
}

/** At most 10 decimals: 0.1 + 0.2 shows as 0.3. */
function decimal(value: number): string {
  return String(Number(value.toFixed(10)));
}

/** The text in pieces of a token each, blanks with what follows them. */
export function chunksOf(text: string): string[] {
  return text.match(/\s*(?:[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_])/gu) ?? [];
}

export function countTokens(text: string): number {
  return chunksOf(text).length;
}
