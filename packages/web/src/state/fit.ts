// Which time range a page opens on where none was chosen.
import type { Rows } from './rows.ts';

/** `from` as `15m` back from now or ISO 8601, `to` ISO 8601 or empty for now; both empty where none was chosen. */
export type Range = { from: string; to: string };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Back from now: as the address says it, in words, in milliseconds; the shortest first. */
export const PRESETS = [
  ['15m', '15 minutes', 15 * MINUTE_MS],
  ['1h', '1 hour', HOUR_MS],
  ['6h', '6 hours', 6 * HOUR_MS],
  ['24h', '24 hours', DAY_MS],
  ['7d', '7 days', 7 * DAY_MS],
  ['30d', '30 days', 30 * DAY_MS],
] as const;

/**
 * The shortest preset that holds every trace of the last 24 hours. What is older makes it no longer: a system that has run
 * for weeks opens on a day. Where those hours are empty, as long a stretch as the last traces need, ending with the newest.
 */
export function fitOf({ oldest_at, newest_at, clock_at }: Rows['extent']): Range & { isRecent: boolean } {
  const [oldest, newest, now] = [oldest_at, newest_at, clock_at].map((at) => Date.parse(at)) as [
    number,
    number,
    number,
  ];
  const isRecent = newest >= now - DAY_MS;
  // A minute to spare, or the oldest would fall out while it is looked at.
  const length = (isRecent ? now : newest) - oldest + MINUTE_MS;
  const [name, , ms] = PRESETS.find((preset) => preset[2] >= Math.min(length, DAY_MS)) as (typeof PRESETS)[number];
  if (isRecent) return { from: name, to: '', isRecent };
  const to = Math.ceil((newest + 1) / MINUTE_MS) * MINUTE_MS;
  return { from: new Date(to - ms).toISOString(), to: new Date(to).toISOString(), isRecent };
}
