// AS@k: the share of true root causes among the first k services named.
import type { Label } from './cases.ts';

/** Share of a case's root causes found among the first `k`. */
export function found(label: Label, ranked: string[], k: number): number {
  const first = ranked.slice(0, k);
  return label.rootCauseServices.filter((service) => first.includes(service)).length / label.rootCauseServices.length;
}

/** Wilson 95 % interval of a share `p` of `n`. */
function wilson(p: number, n: number): [number, number] {
  const z = 1.96;
  const d = 1 + z ** 2 / n;
  const centre = (p + z ** 2 / 2 / n) / d;
  const half = (z * Math.sqrt((p * (1 - p)) / n + z ** 2 / 4 / n ** 2)) / d;
  return [centre - half, centre + half];
}

/** One line of the table, in percent. */
export function row(name: string, labels: Label[], ranked: (caseId: string) => string[]): string {
  const at = (k: number) =>
    labels.reduce((sum, label) => sum + found(label, ranked(label.caseId), k), 0) / labels.length;
  const [low, high] = wilson(at(1), labels.length);
  const percent = (share: number) => (100 * share).toFixed(1).padStart(6);
  return [
    name.padEnd(34),
    String(labels.length).padStart(4),
    `${percent(at(1))} [${(100 * low).toFixed(0)}-${(100 * high).toFixed(0)}]`.padEnd(17),
    percent(at(3)),
    percent(at(5)),
  ].join('  ');
}

/** The whole table: a line a dataset, and one a fault type below it. */
export function table(labels: Label[], ranked: (caseId: string) => string[]): string {
  const lines = [
    `${''.padEnd(34)}  ${'n'.padStart(4)}  ${'AS@1 [95 %]'.padStart(17)}  ${'AS@3'.padStart(6)}  ${'AS@5'.padStart(6)}`,
  ];
  for (const dataset of [...new Set(labels.map((label) => label.dataset))].sort()) {
    const own = labels.filter((label) => label.dataset === dataset);
    lines.push(row(dataset, own, ranked));
    for (const type of [...new Set(own.map((label) => label.faultType))].sort()) {
      lines.push(
        row(
          `  ${type}`,
          own.filter((label) => label.faultType === type),
          ranked,
        ),
      );
    }
  }
  return lines.join('\n');
}
