// Repeated siblings: a loop of queries says the same thing a hundred times, and one row `query ×100` says it once.

import type { Trace } from './model.ts';
import { STARTED } from './wire.ts';

/** So many equal siblings in a row become one; fewer are quicker read than opened. */
const REPEATED = 5;

/** Runs of siblings of the same service and operation, in drawing order. */
export interface Groups {
  /** Per span: the group it is a member of; -1 for none. */
  of: Int32Array;
  /** Per group: first member. */
  first: Int32Array;
  /** Per group: first row after the last member's subtree. */
  end: Int32Array;
  /** Per group: members. */
  count: Int32Array;
  /** Per group: members that failed. */
  failed: Int32Array;
  /** Per group: failed spans of all its subtrees. */
  failures: Int32Array;
  /** Per group: earliest start and latest end, microseconds. */
  from: Float64Array;
  to: Float64Array;
}

type Needed = Pick<Trace, 'count' | 'parent' | 'service' | 'name' | 'size' | 'status' | 'failures' | 'start' | 'end'>;

export function groupSiblings(trace: Needed): Groups {
  const of = new Int32Array(trace.count).fill(-1);
  const found: number[] = [];
  for (let row = 0; row < trace.count; row++) {
    if (of[row] !== -1) continue;
    const members = run(trace, row);
    if (members < REPEATED) continue;
    for (let member = row, n = 0; n < members; n++, member += trace.size[member]!) of[member] = found.length;
    found.push(row);
  }
  const groups: Groups = {
    of,
    first: Int32Array.from(found),
    end: new Int32Array(found.length),
    count: new Int32Array(found.length),
    failed: new Int32Array(found.length),
    failures: new Int32Array(found.length),
    from: new Float64Array(found.length).fill(Number.POSITIVE_INFINITY),
    to: new Float64Array(found.length),
  };
  found.forEach((first, group) => {
    let row = first;
    while (row < trace.count && of[row] === group) {
      const status = trace.status[row]!;
      groups.count[group]!++;
      groups.failures[group]! += trace.failures[row]!;
      if (status > 0 && status < STARTED) groups.failed[group]!++;
      groups.from[group] = Math.min(groups.from[group]!, trace.start[row]!);
      groups.to[group] = Math.max(groups.to[group]!, trace.end[row]!);
      row += trace.size[row]!;
    }
    groups.end[group] = row;
  });
  return groups;
}

/** How many equal siblings follow one another from this row on. Counts 1 for one that has an equal before it. */
function run(trace: Needed, first: number): number {
  let members = 1;
  let row = first + trace.size[first]!;
  while (
    row < trace.count &&
    trace.parent[row] === trace.parent[first] &&
    trace.service[row] === trace.service[first] &&
    trace.name[row] === trace.name[first]
  ) {
    members++;
    row += trace.size[row]!;
  }
  return members;
}
