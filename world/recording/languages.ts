// How a stack's program is made ready, by language.
import { prepareGo } from './languages/go.ts';
import { prepareJava } from './languages/java.ts';
import { prepareNode } from './languages/node.ts';
import { preparePython } from './languages/python.ts';
import { prepareRust } from './languages/rust.ts';
import type { Stack } from './stack.ts';

export interface Prepared {
  /** Starts the program; the id of the failure is put after it. */
  command: string[];
  /** Versions of the libraries that were recorded. */
  libraries: Record<string, string>;
  /** Variables that the program needs. */
  environment?: Record<string, string>;
  /** Paths of this machine, and what stands in the recordings instead. */
  paths: [string, string][];
}

const LANGUAGES: Record<string, (stack: Stack) => Prepared | Promise<Prepared>> = {
  go: prepareGo,
  java: prepareJava,
  node: prepareNode,
  python: preparePython,
  rust: prepareRust,
};

export function prepare(stack: Stack): Prepared | Promise<Prepared> {
  const language = LANGUAGES[stack.language];
  if (!language) throw new Error(`${stack.name}: the language "${stack.language}" is not known to languages.ts.`);
  return language(stack);
}
