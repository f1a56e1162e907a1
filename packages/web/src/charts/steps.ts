// All columns of answers that hold only those where something happened.

export interface Steps {
  /** Start of the first column and width of each, milliseconds (since 1970). */
  start: number;
  step: number;
  count: number;
}

/**
 * Columns of equal width on whose borders all moments lie. The width is the greatest one that divides every distance
 * between them, cut into parts where it is far above the width that was asked for.
 *
 * @param ats Starts of columns, ISO 8601, in order.
 * @param most Columns that were asked for.
 */
export function stepsOf(ats: string[], { from, to }: { from: number; to: number }, max: number): Steps {
  const times = ats.map((at) => Date.parse(at));
  const wanted = Math.max(1, (to - from) / max);
  const first = times[0];
  if (first === undefined) return { start: from, step: wanted, count: max };
  const common = times.reduce((divisor, at) => greatestCommonDivisor(divisor, at - first), 0);
  const step = common === 0 ? wanted : common / Math.max(1, Math.floor(common / wanted));
  const start = first - Math.ceil((first - from) / step) * step;
  const last = times.at(-1) as number;
  return { start, step, count: Math.max(1, Math.ceil((Math.max(to, last + step) - start) / step - 1e-6)) };
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
