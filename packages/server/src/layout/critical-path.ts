// Who decided how long a trace took, as beacon.critical_segments finds it.
import { placesOf, type Tree } from './tree.ts';

/** Rows on the critical path, each once. */
export function criticalRows({ order, parents, starts, ends }: Tree): Set<number> {
  const places = placesOf(order);
  const children = new Map<number, number[]>();
  let root = -1;
  for (const row of order) {
    const parent = parents[row]!;
    if (parent < 0) {
      if (root < 0 || ends[row]! - starts[row]! > ends[root]! - starts[root]!) root = row;
      continue;
    }
    const siblings = children.get(parent);
    if (siblings) siblings.push(row);
    else children.set(parent, [row]);
  }
  const critical = new Set<number>();
  // Backwards from the end of the longest root: the child that finished last decided, then the one that finished last before that one began.
  const stack = [{ row: root, until: ends[root]! }];
  for (let step = stack.pop(); step; step = stack.pop()) {
    const { row } = step;
    let cursor = step.until;
    const lastFirst = children.get(row)?.sort((a, b) => ends[b]! - ends[a]! || places[b]! - places[a]!) ?? [];
    for (const child of lastFirst) {
      if (starts[child]! >= cursor || starts[child]! < starts[row]!) continue;
      if (cursor > ends[child]!) critical.add(row);
      stack.push({ row: child, until: Math.min(cursor, ends[child]!) });
      cursor = starts[child]!;
    }
    if (cursor > starts[row]!) critical.add(row);
  }
  return critical;
}
