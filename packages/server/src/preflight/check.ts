// What every check gets, and what it answers.
import type pg from 'pg';
import type { ProcessReport } from '../doctor/processes.ts';

/** `open`: a person has to answer; `unknown`: it could not be looked at. */
export type State = 'go' | 'warn' | 'no-go' | 'open' | 'unknown';

export interface CheckResult {
  number: number;
  name: string;
  state: State;
  /** What was measured, in words with units. */
  numbers: string;
  /** Why it is not `go`; empty where it is. */
  reason: string;
}

export interface Thresholds {
  /** Connections in use of those there may be, percent; from here on NO-GO. */
  connectionsPct: number;
  warnBytes: number;
  stopBytes: number;
  /** Milliseconds of a single insert. */
  goInsertMs: number;
  stopInsertMs: number;
  overheadPct: number;
  /** What the plan of the database holds. */
  limitBytes: number;
}

export const THRESHOLDS: Thresholds = {
  connectionsPct: 50,
  warnBytes: 1e9,
  stopBytes: 5e9,
  goInsertMs: 5,
  stopInsertMs: 10,
  overheadPct: 5,
  limitBytes: 512e6,
};

export interface Situation {
  pool: pg.Pool;
  url: string;
  services: ProcessReport[];
  thresholds: Thresholds;
  /** Names of checks whose objection was accepted in writing. */
  accepted: string[];
  env: NodeJS.ProcessEnv;
  /** Folder of the source that is deployed. */
  dir: string;
  /** Command that runs the tests of that source. */
  tests?: string | undefined;
  /** Folder with the services' log files, where it is known. */
  logs?: string | undefined;
  /** Answers to what only people know: window, rollback, success. */
  answers: Record<string, string>;
}

/** The worst of several judgements wins; all reasons are given. */
export function judged(parts: { state: State; reason?: string }[]): { state: State; reason: string } {
  const order: State[] = ['no-go', 'unknown', 'warn', 'open', 'go'];
  const state = order.find((each) => parts.some((part) => part.state === each)) ?? 'go';
  const reasons = parts.filter((part) => part.state !== 'go').flatMap(({ reason }) => reason ?? []);
  return { state, reason: reasons.join('; ') };
}

/** `1.2 GB`. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  return `${(n / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
