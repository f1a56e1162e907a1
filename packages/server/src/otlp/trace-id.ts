import { BeaconError } from '../store/errors.ts';

/**
 * The 32 hexadecimal digits of a trace id that may have lost its zeros in front, or have a uuid's hyphens.
 *
 * @throws BeaconError when it is none.
 */
export function wholeTraceId(text: string): string {
  const digits = text.trim().replaceAll('-', '');
  if (/^[0-9a-f]{1,32}$/i.test(digits)) return digits.toLowerCase().padStart(32, '0');
  const what = `"${text.slice(0, 100)}" is not a trace id.`;
  throw new BeaconError('usage', what, 'A trace id is up to 32 hexadecimal digits; GET /api/v1/search lists traces.');
}
