// Values of TraceQL and what is done with them: whole numbers of 64 bits stay whole, durations count as numbers.
import type { Arithmetic, Literal, Type } from './ast.ts';

/** A list has values of one type. */
export type Value = Literal | { type: 'list'; of: 'string' | 'int' | 'float' | 'bool'; values: Literal[] };

export const NIL: Literal = { type: 'nil' };
export const TRUE: Literal = { type: 'bool', value: true };
export const FALSE: Literal = { type: 'bool', value: false };

export function isNumeric(type: Type | 'list'): boolean {
  return type === 'int' || type === 'float' || type === 'duration';
}

/** The number of a numeric value, durations in nanoseconds; NaN for anything else. */
export function numberOf(value: Value): number {
  return value.type === 'int' || value.type === 'float' || value.type === 'duration' ? Number(value.value) : Number.NaN;
}

export function negative(literal: Literal): Literal {
  if (literal.type === 'int' || literal.type === 'duration') return { type: literal.type, value: -literal.value };
  if (literal.type === 'float') return { type: 'float', value: -literal.value };
  return NIL;
}

/** Of two whole numbers a whole number, which wraps at 64 bits; else a float. Nil for a division by zero. */
export function arithmetic(operator: Arithmetic, left: Literal, right: Literal): Literal {
  if (left.type === 'int' && right.type === 'int') {
    const value = whole(operator, left.value, right.value);
    return value === undefined ? NIL : { type: 'int', value: BigInt.asIntN(64, value) };
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  return { type: 'float', value: fractional(operator, a, b) };
}

function whole(operator: Arithmetic, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0n ? undefined : a / b;
    case '%':
      return b === 0n ? undefined : a % b;
    case '^':
      return power(a, b);
  }
}

/** Within 64 bits; what is beyond has no whole value. */
function power(a: bigint, b: bigint): bigint | undefined {
  const result = Number(a) ** Number(b);
  return Number.isFinite(result) ? BigInt(Math.trunc(result)) : undefined;
}

function fractional(operator: Arithmetic, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '^':
      return a ** b;
  }
}

/** Equality across the numeric types; values of other types equal their like only, and nil nothing. */
export function equal(left: Literal, right: Literal): boolean {
  if (left.type === 'nil' || right.type === 'nil') return false;
  if (isNumeric(left.type) && isNumeric(right.type)) {
    if (left.type !== 'float' && right.type !== 'float') return left.value === right.value;
    return numberOf(left) === numberOf(right);
  }
  return left.type === right.type && left.value === right.value;
}

/** Whether two types can stand on both sides of an operator; an attribute's type is known only later. */
export function matching(left: Type, right: Type): boolean {
  if (left === right || left === 'attribute' || right === 'attribute') return true;
  return (isNumeric(left) && isNumeric(right)) || left === 'nil' || right === 'nil';
}

const OPERATORS: Record<Exclude<Type, 'attribute'>, ReadonlySet<string>> = {
  nil: new Set(['=', '!=']),
  status: new Set(['=', '!=']),
  kind: new Set(['=', '!=']),
  bool: new Set(['&&', '||', '=', '!=']),
  string: new Set(['=', '!=', '=~', '!~', '>', '>=', '<', '<=']),
  int: new Set(['+', '-', '*', '/', '%', '^', '=', '!=', '>', '>=', '<', '<=']),
  float: new Set(['+', '-', '*', '/', '%', '^', '=', '!=', '>', '>=', '<', '<=']),
  duration: new Set(['+', '-', '*', '/', '%', '^', '=', '!=', '>', '>=', '<', '<=']),
};

export function allows(operator: string, type: Type): boolean {
  return type === 'attribute' || OPERATORS[type].has(operator);
}

/** The key under which equal values, and values of one type only, are one group. */
export function keyOf(value: Value): string {
  if (value.type === 'nil') return 'nil';
  if (value.type === 'list') return `list(${value.values.map(keyOf).join(',')})`;
  return `${value.type}:${value.value}`;
}
