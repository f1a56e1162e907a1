// The part of TraceQL that is one filter on spans: `{ a = 1 && (b = "x" || c != nil) }`, as a tree.
import { BeaconError } from '../../store/errors.ts';

export type Comparator = '=' | '!=' | '>' | '>=' | '<' | '<=' | '=~' | '!~';

export interface Value {
  kind: 'text' | 'number' | 'duration' | 'word';
  text: string;
}

export type Expression =
  | { kind: 'compare'; field: string; comparator: Comparator; value: Value }
  | { kind: 'and' | 'or'; parts: Expression[] }
  | { kind: 'all' };

interface Token {
  kind: 'text' | 'number' | 'duration' | 'word' | 'sign';
  text: string;
  at: number;
}

// A field may have parts in quotes, span."odd name", and names with : in them.
const TOKENS: Array<[Token['kind'] | 'space', RegExp]> = [
  ['space', /\s+/y],
  ['text', /"(?:[^"\\]|\\.)*"|`[^`]*`/y],
  ['duration', /-?\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))*(?![\w.])/y],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y],
  ['sign', /&&|\|\||=~|!~|!=|>=|<=|[{}()=<>|!]/y],
  ['word', /\.?[\p{L}_](?:[\p{L}\p{N}_:./@-]|\."(?:[^"\\]|\\.)*")*|\."(?:[^"\\]|\\.)*"/uy],
];
const COMPARATORS = new Set(['=', '!=', '>', '>=', '<', '<=', '=~', '!~']);
const MAX_CHARACTERS = 4_000;
const DEEPEST = 20;

/** What is not understood is refused, with the place: an answer to another question would be worse. */
export function notUnderstood(why: string): BeaconError {
  return new BeaconError(
    'usage',
    `This TraceQL is not understood here: ${why}.`,
    'One filter on spans works, such as { resource.service.name = "router" && status = error && duration > 500ms }; pipelines, structural operators and metrics do not.',
  );
}

/**
 * Reads a query.
 *
 * @throws BeaconError that says what is not understood, and where.
 */
export function parseTraceQl(text: string): Expression {
  if (text.length > MAX_CHARACTERS) throw notUnderstood(`it is longer than ${MAX_CHARACTERS} characters`);
  const parser = new Parser(tokensOf(text));
  return parser.query();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const found = TOKENS.map(([kind, pattern]) => {
      pattern.lastIndex = at;
      const match = pattern.exec(text)?.[0];
      return match === undefined ? undefined : { kind, text: match, at };
    }).find((each) => each !== undefined);
    if (!found) throw notUnderstood(`${JSON.stringify(text.slice(at, at + 10))} at character ${at + 1}`);
    at += found.text.length;
    if (found.kind !== 'space') tokens.push(found as Token);
  }
  return tokens;
}

class Parser {
  readonly #tokens: Token[];
  #next = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  query(): Expression {
    this.#expect('{');
    const expression: Expression = this.#peek()?.text === '}' ? { kind: 'all' } : this.#or(0);
    this.#expect('}');
    const rest = this.#peek();
    if (rest) throw notUnderstood(`"${rest.text}" behind the filter, at character ${rest.at + 1}`);
    return expression;
  }

  #or(depth: number): Expression {
    return this.#joined('||', 'or', () => this.#joined('&&', 'and', () => this.#one(depth)));
  }

  #joined(sign: string, kind: 'and' | 'or', part: () => Expression): Expression {
    const parts = [part()];
    while (this.#peek()?.text === sign) {
      this.#next++;
      parts.push(part());
    }
    return parts.length === 1 ? (parts[0] as Expression) : { kind, parts };
  }

  #one(depth: number): Expression {
    const token = this.#take('a condition');
    if (token.text === '(' && token.kind === 'sign') {
      if (depth === DEEPEST) throw notUnderstood(`brackets nest deeper than ${DEEPEST}`);
      const inner = this.#or(depth + 1);
      this.#expect(')');
      return inner;
    }
    if (token.kind === 'word' && token.text === 'true' && !COMPARATORS.has(this.#peek()?.text ?? ''))
      return { kind: 'all' };
    if (token.kind !== 'word')
      throw notUnderstood(`"${token.text}" at character ${token.at + 1}, where a field should be`);
    const comparator = this.#take('a comparison');
    if (comparator.kind !== 'sign' || !COMPARATORS.has(comparator.text)) {
      throw notUnderstood(
        `"${comparator.text}" at character ${comparator.at + 1}, where = != > >= < <= =~ or !~ should be`,
      );
    }
    const value = this.#take('a value');
    if (value.kind === 'sign')
      throw notUnderstood(`"${value.text}" at character ${value.at + 1}, where a value should be`);
    return {
      kind: 'compare',
      field: token.text.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => unescaped(inner)),
      comparator: comparator.text as Comparator,
      value: { kind: value.kind, text: value.kind === 'text' ? unquoted(value.text) : value.text },
    };
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(what: string): Token {
    const token = this.#tokens[this.#next++];
    if (!token) throw notUnderstood(`it ends where ${what} should be`);
    return token;
  }

  #expect(sign: string): void {
    const token = this.#take(`"${sign}"`);
    if (token.kind !== 'sign' || token.text !== sign) {
      throw notUnderstood(`"${token.text}" at character ${token.at + 1}, where "${sign}" should be`);
    }
  }
}

function unquoted(text: string): string {
  const inner = text.slice(1, -1);
  return text.startsWith('`') ? inner : unescaped(inner);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}
