// The tree of a trace, as beacon.tree_of lays it out for all that reasons about traces: the same rules in another
// language, for the picture of a whole trace alone, because PL/pgSQL takes four times as long for 100,000 spans.
import { clockOffsets } from './clocks.ts';
import { SERVER, type SpanIds, type Spans } from './spans.ts';

/** By row of the spans, but for `order`. */
export interface Tree {
  /** Rows depth first, those who began first first. */
  order: Int32Array;
  /** Row of the parent; -1 for roots, orphans, and the first of a cycle of parents. */
  parents: Int32Array;
  isOrphan: boolean[];
  /** Milliseconds from the start of the trace, clocks corrected. */
  starts: Float64Array;
  ends: Float64Array;
  /** Milliseconds no child covers. */
  selfs: Float64Array;
  /** Milliseconds by which clocks were corrected. */
  shifts: Float64Array;
}

export function treeOf(spans: Spans): Tree {
  const { count, service, services, kind } = spans;
  const { parents, isOrphan } = parentsOf(spans);
  const offsets = clockOffsets(spans, parents);
  const starts = Float64Array.from(spans.starts);
  const ends = starts.map((at, row) => at + spans.durations[row]!);
  const shifts = new Float64Array(count);
  const covered = new Float64Array(count);
  const reach = new Float64Array(count);
  const { first, next } = childrenOf(parents);
  const order = new Int32Array(count);
  const isPlaced = new Uint8Array(count);
  let placed = 0;
  const stack: number[] = [];

  const place = (row: number) => {
    isPlaced[row] = 1;
    order[placed++] = row;
    const parent = parents[row]!;
    if (parent >= 0) {
      shifts[row] = shifts[parent]!;
      if (kind[row] === SERVER && offsets.size > 0) {
        shifts[row]! += offsets.get(service[parent]! * services.length + service[row]!) ?? 0;
      }
      starts[row]! += shifts[row]!;
      ends[row] = starts[row]! + spans.durations[row]!;
      // Siblings come in order of their start, so the union of their intervals grows at one end only.
      const from = Math.max(starts[row]!, reach[parent]!);
      const until = Math.min(ends[row]!, ends[parent]!);
      if (until > from) {
        covered[parent]! += until - from;
        reach[parent] = until;
      }
    }
    reach[row] = starts[row]!;
    for (let child = first[row]!; child >= 0; child = next[child]!) stack.push(child);
  };
  const walk = (root: number) => {
    parents[root] = -1;
    stack.push(root);
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) if (isPlaced[row] === 0) place(row);
  };
  for (let row = 0; row < count; row++) if (parents[row]! < 0) walk(row);
  // What no root reaches hangs in a cycle of parents: the first of a cycle is made a root.
  for (let row = 0; placed < count; row++) if (isPlaced[row] === 0) walk(row);

  const selfs = starts.map((from, row) => Math.max(0, ends[row]! - from - covered[row]!));
  return { order, parents, isOrphan, starts, ends, selfs, shifts };
}

/** Where a row stands in that order, by row. */
export function placesOf(order: Int32Array): Int32Array {
  const places = new Int32Array(order.length);
  for (let place = 0; place < order.length; place++) places[order[place]!] = place;
  return places;
}

function parentsOf({ count, ids, parentIds, hasParentId, kind }: Spans): Pick<Tree, 'parents' | 'isOrphan'> {
  const ownerOf = owners(ids);
  const parents = new Int32Array(count).fill(-1);
  const isOrphan = new Array<boolean>(count).fill(false);
  for (let row = 0; row < count; row++) {
    const found = hasParentId[row] ? ownerOf(parentIds.high[row]!, parentIds.low[row]!) : -1;
    const parent = found === row ? -1 : found;
    isOrphan[row] = hasParentId[row]! && parent < 0;
    // Zipkin's client and server share one span id: the later of the two is the child of the earlier.
    const owner = kind[row] === SERVER ? ownerOf(ids.high[row]!, ids.low[row]!) : row;
    parents[row] = owner === row ? parent : owner;
  }
  return { parents, isOrphan };
}

/** Finds the first row with an id; -1 when there is none. */
function owners({ high, low }: SpanIds): (high: number, low: number) => number {
  const byLow = new Map<number, number>();
  /** Row with the same second half, further down; -1 ends them. */
  const further = new Int32Array(low.length).fill(-1);
  for (let row = low.length - 1; row >= 0; row--) {
    further[row] = byLow.get(low[row]!) ?? -1;
    byLow.set(low[row]!, row);
  }
  return (wantedHigh, wantedLow) => {
    let row = byLow.get(wantedLow) ?? -1;
    while (row >= 0 && high[row] !== wantedHigh) row = further[row]!;
    return row;
  };
}

/** Children as linked lists, the latest first; -1 ends them. */
function childrenOf(parents: Int32Array): { first: Int32Array; next: Int32Array } {
  const first = new Int32Array(parents.length).fill(-1);
  const next = new Int32Array(parents.length).fill(-1);
  for (let row = 0; row < parents.length; row++) {
    const parent = parents[row]!;
    if (parent < 0) continue;
    next[row] = first[parent]!;
    first[parent] = row;
  }
  return { first, next };
}
