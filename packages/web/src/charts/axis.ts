// Ticks people can read, on axes of time and of duration.
import { duration } from '../ui/format.ts';

export interface Tick {
  /** Place on the axis, 0 to 1 from its beginning. */
  at: number;
  label: string;
}

const MINUTE = 60_000;
const STEPS_MS = [1, 2, 5, 10, 15, 30]
  .map((n) => n * 1000)
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map((n) => n * MINUTE));

/** Moments between two times, in milliseconds since 1970, at most `most` of them, on whole local units. */
export function timeTicks(from: number, to: number, max: number): Tick[] {
  const step = STEPS_MS.find((each) => (to - from) / each <= max) ?? (to - from) / max;
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const ticks: Tick[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at < to; at += step) {
    ticks.push({ at: (at - from) / (to - from), label: timeLabel(new Date(at), step) });
  }
  return ticks;
}

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

function timeLabel(date: Date, step: number): string {
  if (step < MINUTE) return second.format(date);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return isMidnight ? day.format(date) : hour.format(date);
}

/** Powers of ten (and their halves where there is room) between two durations, on a logarithmic axis. */
export function durationTicks(from: number, to: number, max: number): Tick[] {
  const span = Math.log(to / from);
  const at = (ms: number): Tick => ({
    at: Math.log(ms / from) / span,
    label: duration(ms).replace('.00', '').replace('.0', ''),
  });
  const ticks = (factors: number[]) => {
    const found: Tick[] = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
      for (const factor of factors) {
        const tick = at(factor * 10 ** power);
        if (tick.at >= -1e-9 && tick.at <= 1) found.push(tick);
      }
    }
    return found;
  };
  const dense = ticks([1, 3]);
  return dense.length <= max ? dense : ticks([1]);
}
