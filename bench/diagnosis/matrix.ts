// Confusion matrix and calibration of verdicts.
import type { Verdict } from './run.ts';

/** A line an expected verdict: how often it was said, and what was said instead. */
export function confusion(verdicts: Verdict[]): string {
  const expected = [...new Set(verdicts.map((verdict) => verdict.expected))].sort();
  const width = Math.max(...expected.map((name) => name.length));
  const lines = expected.map((name) => {
    const own = verdicts.filter((verdict) => verdict.expected === name);
    const right = own.filter((verdict) => verdict.said === name).length;
    const wrong = own.filter((verdict) => verdict.said !== name).map((verdict) => `${verdict.said} (${verdict.fault})`);
    const others = [...new Set(wrong)].map((said) => `${wrong.filter((one) => one === said).length} x ${said}`);
    return `${name.padEnd(width)}  ${String(own.length).padStart(4)}  ${String(right).padStart(5)}  ${others.join(', ')}`.trimEnd();
  });
  return [`${'seeded'.padEnd(width)}  ${'n'.padStart(4)}  ${'right'.padStart(5)}  said instead`, ...lines].join('\n');
}

/** Of the verdicts said with a confidence, how many were right. */
export function calibration(verdicts: Verdict[]): string {
  const bins = [
    [0.95, 1.01],
    [0.9, 0.95],
    [0.8, 0.9],
    [0.6, 0.8],
    [0, 0.6],
  ] as const;
  const lines = bins.flatMap(([from, to]) => {
    const own = verdicts.filter(({ said, confidence }) => said !== 'nothing' && confidence >= from && confidence < to);
    if (own.length === 0) return [];
    const said = own.reduce((sum, { confidence }) => sum + confidence, 0) / own.length;
    const right = own.filter((verdict) => verdict.said === verdict.expected).length;
    return [`${said.toFixed(2)}  ${String(own.length).padStart(4)}  ${(right / own.length).toFixed(2).padStart(5)}`];
  });
  return ['said     n  right', ...lines].join('\n');
}
