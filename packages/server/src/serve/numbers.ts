import { BeaconError } from '../store/errors.ts';

/**
 * A setting that must be a whole number from 0 to `max`.
 *
 * @throws BeaconError that names the setting.
 */
export function wholeNumber(name: string, text: unknown, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= max && text !== '') return value;
  throw new BeaconError('usage', `${name} is "${text}".`, `It must be a whole number from 0 to ${max}.`);
}

/** A port; a `strict` one must be free, another one is replaced when it is busy. */
export interface Wanted {
  port: number;
  strict: boolean;
}

/** A port that was asked for must be that one; a usual one need not. */
export function wanted(name: string, given: unknown, otherwise: number): Wanted {
  if (given === undefined) return { port: otherwise, strict: false };
  return { port: wholeNumber(name, given, 65_535), strict: true };
}
