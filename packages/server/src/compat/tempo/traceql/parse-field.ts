// Expressions on one span: what stands between braces.
import type { BinaryOperator, Field, Kind, Literal, Status } from './ast.ts';
import { refused } from './lexer.ts';
import type { Words } from './words.ts';

/** Logic binds loosest, `&&` and `||` alike; a minus before a factor takes the product with it, as in Tempo. */
const PRECEDENCE: Record<BinaryOperator, number> = {
  '&&': 1,
  '||': 1,
  '=': 2,
  '!=': 2,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '=~': 2,
  '!~': 2,
  '+': 3,
  '-': 3,
  '*': 5,
  '/': 5,
  '%': 5,
  '^': 6,
};
const MINUS = 3;
const NOT = 4;

const STATUSES = ['error', 'ok', 'unset'];
const KINDS = ['unspecified', 'internal', 'client', 'server', 'producer', 'consumer'];

/** An operand that may be nil, which only `=` and `!=` take. */
type Operand = Field | { node: 'nil'; at: number };

/**
 * An expression.
 *
 * @throws BeaconError with the position of what is wrong.
 */
export function parseField(words: Words): Field {
  return whole(climb(words, 1));
}

function climb(words: Words, least: number): Operand {
  return words.nested(() => {
    let left = operand(words);
    for (;;) {
      const operator = words.sign() as BinaryOperator;
      const precedence = PRECEDENCE[operator] ?? 0;
      if (precedence < least) return left;
      const { at } = words.take();
      const right = climb(words, operator === '^' ? precedence : precedence + 1);
      left = joined(operator, left, right, at);
    }
  });
}

function joined(operator: BinaryOperator, left: Operand, right: Operand, at: number): Field {
  if ((left.node === 'nil' || right.node === 'nil') && (operator === '=' || operator === '!=')) {
    const operand = left.node === 'nil' ? right : left;
    if (operand.node === 'nil') return { node: 'literal', literal: { type: 'bool', value: false }, at };
    return { node: 'exists', negated: operator === '=', operand, at };
  }
  return { node: 'binary', operator, left: whole(left), right: whole(right), at };
}

function whole(operand: Operand): Field {
  if (operand.node === 'nil') throw refused('nil can only be compared, by = or !=', operand.at);
  return operand;
}

function operand(words: Words): Operand {
  const { at } = words.peek();
  if (words.accept('(')) {
    const inner = whole(climb(words, 1));
    words.expect(')');
    return inner;
  }
  if (words.accept('-')) return { node: 'unary', operator: '-', operand: whole(climb(words, MINUS + 1)), at };
  if (words.accept('!')) return { node: 'unary', operator: '!', operand: whole(climb(words, NOT + 1)), at };
  if (words.name() === 'nil') {
    words.take();
    return { node: 'nil', at };
  }
  const attribute = words.attribute();
  if (attribute) return attribute;
  const literal = parseLiteral(words);
  if (literal) return { node: 'literal', literal, at };
  throw words.unexpected('a field or a value');
}

/** A value; undefined where the next word is none. */
export function parseLiteral(words: Words): Literal | undefined {
  const word = words.peek();
  const literal = literalOf(word.kind === 'name' ? { kind: 'name', text: word.text } : word);
  if (literal) words.take();
  return literal;
}

function literalOf(word: { kind: string; text?: string; value?: unknown }): Literal | undefined {
  switch (word.kind) {
    case 'string':
      return { type: 'string', value: word.text as string };
    case 'int':
    case 'duration':
      return { type: word.kind, value: word.value as bigint };
    case 'float':
      return { type: 'float', value: word.value as number };
    case 'name': {
      const text = word.text as string;
      if (text === 'true' || text === 'false') return { type: 'bool', value: text === 'true' };
      if (STATUSES.includes(text)) return { type: 'status', value: text as Status };
      if (KINDS.includes(text)) return { type: 'kind', value: text as Kind };
      if (text === 'minInt') return { type: 'int', value: -(2n ** 63n) };
      if (text === 'maxInt') return { type: 'int', value: 2n ** 63n - 1n };
      return undefined;
    }
    default:
      return undefined;
  }
}
