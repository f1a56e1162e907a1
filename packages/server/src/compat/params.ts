// What callers of other systems' APIs write: durations of Go, times as numbers, and a trace as they know it.

import type { Query } from '../queries/query.ts';
import { QUERIES } from '../registry.ts';
import { BeaconError } from '../store/errors.ts';

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const GO_DURATION = /^(?:\d+(?:\.\d*)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/;

/**
 * Milliseconds of `1h2m`, `1.5s`, `100ms`.
 *
 * @throws BeaconError that names the parameter.
 */
export function goDurationMs(name: string, text: string): number {
  if (text === '0') return 0;
  if (!GO_DURATION.test(text)) {
    throw new BeaconError(
      'usage',
      `${name} is "${text.slice(0, 50)}".`,
      'It must be a duration like 100ms, 1.5s or 1h2m.',
    );
  }
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|μs|ms|s|m|h|d)/g)) {
    sum += Number(count) * (UNIT_MS[unit as string] as number);
  }
  return sum;
}

/**
 * A time given as a number since the epoch, as ISO 8601 with microseconds.
 *
 * @param perSecond Of the number's unit: 1, 1,000 or 1,000,000.
 * @throws BeaconError that names the parameter.
 */
export function timeOf(name: string, text: string, perSecond: 1 | 1_000 | 1_000_000): string {
  if (!/^\d{1,17}$/.test(text)) {
    throw new BeaconError(
      'usage',
      `${name} is "${text.slice(0, 50)}".`,
      'It must be a time as a whole number since 1970.',
    );
  }
  const micros = (BigInt(text) * 1_000_000n) / BigInt(perSecond);
  const date = new Date(Number(micros / 1_000n));
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9_999) {
    const unit = { 1: 'seconds', 1000: 'milliseconds', 1000000: 'microseconds' }[perSecond];
    throw new BeaconError('usage', `${name} is ${text}, far in the future.`, `It must be ${unit} since 1970.`);
  }
  return `${date.toISOString().slice(0, 20)}${String(micros % 1_000_000n).padStart(6, '0')}Z`;
}

/**
 * A whole number, cut to what may be asked for at once.
 *
 * @throws BeaconError that names the parameter.
 */
export function countOf(name: string, text: string | undefined, otherwise: number, max: number): number {
  if (text === undefined || text === '') return otherwise;
  if (!/^\d{1,9}$/.test(text)) {
    throw new BeaconError('usage', `${name} is "${text.slice(0, 50)}".`, 'It must be a whole number.');
  }
  return Math.min(Number(text) || otherwise, max);
}

/** The operation of this name; a API must not know more of it than its columns. */
export function queryNamed(name: string): Query {
  const found = QUERIES.find((each) => each.name === name);
  if (!found) throw new Error(`There is no query ${name}.`);
  return found;
}
