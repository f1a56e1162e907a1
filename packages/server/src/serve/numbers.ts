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
