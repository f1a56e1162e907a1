// The words of a query one after the other, as both halves of the parser read them.
import type { AttributeNode, Intrinsic, Scope } from './ast.ts';
import { refused, type Token, wordsOf } from './lexer.ts';

/** Intrinsics as they are written without a scope. */
const BARE = new Map<string, Intrinsic>(
  [
    'duration',
    'name',
    'status',
    'statusMessage',
    'kind',
    'rootName',
    'rootServiceName',
    'traceDuration',
    'nestedSetLeft',
    'nestedSetRight',
    'nestedSetParent',
  ].map((name) => [name, name as Intrinsic]),
);
BARE.set('childCount', 'span:childCount');

const SCOPED = new Map<string, Intrinsic>([
  ['trace:duration', 'traceDuration'],
  ['trace:rootName', 'rootName'],
  ['trace:rootService', 'rootServiceName'],
  ['trace:id', 'trace:id'],
  ['span:duration', 'duration'],
  ['span:name', 'name'],
  ['span:kind', 'kind'],
  ['span:status', 'status'],
  ['span:statusMessage', 'statusMessage'],
  ['span:id', 'span:id'],
  ['span:parentID', 'span:parentID'],
  ['span:childCount', 'span:childCount'],
  ['event:name', 'event:name'],
  ['event:timeSinceStart', 'event:timeSinceStart'],
  ['link:traceID', 'link:traceID'],
  ['link:spanID', 'link:spanID'],
  ['instrumentation:name', 'instrumentation:name'],
  ['instrumentation:version', 'instrumentation:version'],
]);

/** Intrinsics with each way of writing them, for completion. */
export const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map([...BARE, ...SCOPED]);

const MAX_DEPTH = 100;

export class Words {
  readonly #words: Token[];
  #next = 0;
  #depth = 0;

  constructor(query: string) {
    this.#words = wordsOf(query);
  }

  peek(ahead = 0): Token {
    return this.#words[Math.min(this.#next + ahead, this.#words.length - 1)] as Token;
  }

  take(): Token {
    const word = this.peek();
    this.#next += 1;
    return word;
  }

  /** The text of the next word, where it is a sign. */
  sign(ahead = 0): string | undefined {
    const word = this.peek(ahead);
    return word.kind === 'sign' ? word.text : undefined;
  }

  name(ahead = 0): string | undefined {
    const word = this.peek(ahead);
    return word.kind === 'name' ? word.text : undefined;
  }

  expect(sign: string): Token {
    if (this.sign() !== sign) throw this.unexpected(`"${sign}"`);
    return this.take();
  }

  /** Takes the sign if it is next. */
  accept(sign: string): boolean {
    if (this.sign() !== sign) return false;
    this.take();
    return true;
  }

  unexpected(wanted: string): Error {
    const word = this.peek();
    return refused(`${shown(word)} stands where ${wanted} should`, word.at);
  }

  /** Reads what is nested one deeper; a query that nests without end would end the process' stack. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw refused(`it nests deeper than ${MAX_DEPTH}`, this.peek().at);
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** An attribute or intrinsic; undefined where the next word is neither. */
  attribute(): AttributeNode | undefined {
    const word = this.peek();
    const { at } = word;
    if (word.kind === 'attribute') {
      this.take();
      if (word.scope === 'parent') throw this.#noParent(at);
      return { node: 'attribute', scope: word.scope as Scope, name: word.name, at };
    }
    if (word.kind === 'intrinsic') {
      this.take();
      const name = SCOPED.get(`${word.scope}:${word.name}`);
      if (!name) throw refused(`there is no ${word.scope}:${word.name}`, at);
      return { node: 'intrinsic', name, at };
    }
    if (word.kind !== 'name') return undefined;
    if (word.text === 'parent') throw this.#noParent(at);
    const name = BARE.get(word.text);
    if (!name) return undefined;
    this.take();
    return { node: 'intrinsic', name, at };
  }

  attributes(): AttributeNode[] {
    const found: AttributeNode[] = [];
    do {
      const attribute = this.attribute();
      if (!attribute) throw this.unexpected('an attribute');
      found.push(attribute);
    } while (this.accept(','));
    return found;
  }

  #noParent(at: number): Error {
    return refused('parent is part of the language and not supported, in Tempo neither', at, 'Ask for { … } > { … }.');
  }
}

function shown(word: Token): string {
  switch (word.kind) {
    case 'end':
      return 'the end';
    case 'attribute':
      return `"${word.scope === 'none' ? '' : word.scope}.${word.name}"`;
    case 'intrinsic':
      return `"${word.scope}:${word.name}"`;
    case 'string':
      return JSON.stringify(word.text);
    case 'name':
    case 'sign':
      return `"${word.text}"`;
    default:
      return `"${word.value}"`;
  }
}
