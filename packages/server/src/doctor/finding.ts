// What the doctor says: findings, in the order a span travels.

/** Where on a span's way; `configuration` is about the work itself, not about its traces. */
export const HOPS = ['flag', 'sdk', 'endpoint', 'accepted', 'committed', 'visible', 'linked', 'configuration'] as const;
export type Hop = (typeof HOPS)[number];

export interface Finding {
  hop: Hop;
  /** `unknown`: it could not be checked; `note`: worth knowing, not a fault. */
  state: 'good' | 'fault' | 'unknown' | 'note';
  /** Code of a fault, for example FLAG_OFF. */
  fault?: string;
  service?: string;
  summary: string;
  /** Facts that were seen, by name. Never holds a secret. */
  evidence?: Record<string, unknown>;
  fix?: string;
}

export interface Diagnosis {
  verdict: 'healthy' | 'fault' | 'unknown';
  /** The fault to fix first, then those that do not follow from it. */
  faults: Finding[];
  /** What could not be checked. */
  unknown: Finding[];
  notes: Finding[];
  /** What was checked and found good. */
  good: Finding[];
  /** What the doctor wrote and could not take back. */
  leftBehind: string[];
  /** Trace ids of probes that may still be written: the next examination removes them. */
  pending: string[];
  tookMs: number;
}

/** Exit code of `beacon doctor`. */
export const EXIT = { healthy: 0, fault: 1, unknown: 2 } as const;

/**
 * One verdict out of all findings. A span that does not get past one hop cannot be expected at the later ones, so of each
 * service only the first broken hop is accused; and what is missing in the data follows from any of them.
 */
export function conclude(all: Finding[], left: { behind: string[]; pending: string[] }, tookMs: number): Diagnosis {
  const ordered = all
    .filter(({ state }) => state === 'fault')
    .sort((a, b) => HOPS.indexOf(a.hop) - HOPS.indexOf(b.hop) || Number(!a.service) - Number(!b.service));
  const faults: Finding[] = [];
  for (const one of ordered) {
    const independent = one.hop === 'configuration';
    const earlier = faults.some((other) => other.service === one.service && other.hop !== 'configuration');
    if (!independent && (earlier || (one.service === undefined && faults.length > 0))) continue;
    if (!faults.some((other) => other.fault === one.fault && other.service === one.service)) faults.push(one);
  }
  const unknown = all.filter(({ state }) => state === 'unknown');
  const rank = (one: Finding) => HOPS.indexOf(one.hop);
  return {
    verdict: faults.length > 0 ? 'fault' : unknown.length > 0 ? 'unknown' : 'healthy',
    faults: sameFaultTogether(faults),
    unknown,
    notes: all.filter(({ state }) => state === 'note'),
    good: all.filter(({ state }) => state === 'good').sort((a, b) => rank(a) - rank(b)),
    leftBehind: left.behind,
    pending: left.pending,
    tookMs,
  };
}

/** Three services with the same flag are one fault with three witnesses. */
function sameFaultTogether(faults: Finding[]): Finding[] {
  const merged: Finding[] = [];
  for (const one of faults) {
    const same = merged.find((other) => other.fault === one.fault && other.fix === one.fix && one.service);
    if (!same?.service) merged.push({ ...one });
    else {
      const all = `${same.service}, ${one.service}`;
      same.summary = same.summary.replace(same.service, all);
      const { in_the_process: its, ...evidence } = same.evidence ?? {};
      same.evidence = {
        ...(its ? { [`in ${same.service}`]: its } : {}),
        ...evidence,
        [`in ${one.service}`]: one.evidence?.in_the_process ?? one.summary,
      };
      same.service = all;
    }
  }
  return merged;
}
