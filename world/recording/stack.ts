// What a stack states by hand: its program, what it needs, and what is broken in each run.
import * as fs from 'node:fs';
import * as path from 'node:path';

export const WORLD = path.join(import.meta.dirname, '..');
export const RECORDINGS = path.join(WORLD, 'recordings');

export interface Failure {
  id: string;
  /** One line of what is broken, or of what works. */
  does: string;
  /** Stated before the first run; twins have none. */
  expected?: {
    /** Verdict types that are right, the best first. */
    types: string[];
    /** A regular expression of the service to name. */
    service: string;
    /** A regular expression that the verdict's sentence must match. */
    fact: string;
  };
  /** A healthy run of the same path: it must get no cause. */
  twin?: boolean;
  /** Why a part of it is imitated, where one is. */
  imitated?: string;
  /** Needs a program of its own, in a stack whose program runs many failures: it kills or spoils something. */
  alone?: boolean;
  /** Environment of this run alone, such as OTEL_SEMCONV_STABILITY_OPT_IN. */
  environment?: Record<string, string>;
}

export interface Stack {
  name: string;
  dir: string;
  /** What the stack consists of, for the table. */
  title: string;
  language: string;
  /** Started before its program: see dependencies.ts. */
  needs: string[];
  /** Names of the program's own servers. Each is an address of its own, where the program may listen. */
  hosts: string[];
  /** Whether the program takes the ids of many failures, and asks for `/done/<failure>` of the receiver after each. */
  many: boolean;
  failures: Failure[];
}

/** The failures that one start of the program runs. */
export function runsOf({ many }: Stack, failures: Failure[]): Failure[][] {
  const runs = new Map<string, Failure[]>();
  for (const failure of failures) {
    const key = many && !failure.alone ? JSON.stringify(failure.environment ?? {}) : failure.id;
    runs.set(key, [...(runs.get(key) ?? []), failure]);
  }
  return [...runs.values()];
}

/** Stacks by name, sorted; or the one that is named. */
export function readStacks(only?: string): Stack[] {
  const root = path.join(WORLD, 'stacks');
  const names = fs.readdirSync(root).filter((name) => fs.existsSync(path.join(root, name, 'stack.json')));
  if (only !== undefined && !names.includes(only)) {
    throw new Error(`There is no stack "${only}". Known: ${names.sort().join(', ')}.`);
  }
  return names
    .filter((name) => only === undefined || name === only)
    .sort()
    .map((name) => {
      const dir = path.join(root, name);
      const json = (file: string) => JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8'));
      return {
        needs: [],
        hosts: [],
        many: false,
        ...json('stack.json'),
        name,
        dir,
        failures: json('failures.json'),
      } as Stack;
    });
}
