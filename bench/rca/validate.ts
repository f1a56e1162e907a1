// Cross-validation: thresholds chosen on four folds, scored on the fifth, so that the figures are not fitted ones.
import type { Label } from './cases.ts';
import { found, row } from './score.ts';

const FOLDS = 5;

/** The thresholds tried: [tolerance, drift] of rank_signals. */
export const GRID = [0.1, 0.2, 0.3].flatMap((tolerance) => [0.1, 0.2, 0.3].map((drift) => [tolerance, drift] as const));

/**
 * Held-out figures, a line a dataset.
 *
 * @param rankedBy services of a case, best first, with the thresholds at that place of GRID.
 */
export function crossValidated(labels: Label[], rankedBy: (caseId: string, grid: number) => string[]): string {
  const fold = new Map(
    [...labels].sort((a, b) => (a.caseId < b.caseId ? -1 : 1)).map((label, index) => [label.caseId, index % FOLDS]),
  );
  const chosen = new Map<number, number>();
  for (let held = 0; held < FOLDS; held++) {
    const train = labels.filter((label) => fold.get(label.caseId) !== held);
    const hits = GRID.map((_, grid) => meanOfDatasets(train, (label) => found(label, rankedBy(label.caseId, grid), 1)));
    // The middle of the best, not their first: a plateau's edge is luck.
    const best = [...hits.keys()].filter((grid) => hits[grid] === Math.max(...hits));
    chosen.set(held, best[Math.floor(best.length / 2)] as number);
  }
  const ranked = (caseId: string) => rankedBy(caseId, chosen.get(fold.get(caseId) as number) as number);
  const lines = [...new Set(labels.map((label) => label.dataset))].sort().map((dataset) =>
    row(
      dataset,
      labels.filter((label) => label.dataset === dataset),
      ranked,
    ),
  );
  const choices = [...chosen.values()].map((grid) => (GRID[grid] as readonly number[]).join('/'));
  return [...lines, `chosen in each fold (tolerance/drift): ${choices.join(', ')}`].join('\n');
}

function meanOfDatasets(labels: Label[], of: (label: Label) => number): number {
  const datasets = [...new Set(labels.map((label) => label.dataset))];
  const means = datasets.map((dataset) => {
    const own = labels.filter((label) => label.dataset === dataset);
    return own.reduce((sum, label) => sum + of(label), 0) / own.length;
  });
  return Number((means.reduce((sum, mean) => sum + mean, 0) / means.length).toFixed(6));
}
