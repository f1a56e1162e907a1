// The tree of a trace, as beacon.tree_of lays it out for all that reasons about traces: the same rules in another
// language, for the picture of a whole trace alone, because PL/pgSQL takes four times as long for 100,000 spans.
import { clockOffsets } from './clocks.ts';
import { SERVER, type Spans } from './spans.ts';

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

/** @param hosts Of services, as beacon.service_hosts gives them: needed where clocks seem to differ. */
export function treeOf(spans: Spans, hosts = new Map<string, string>()): Tree {
  const { count, service, services, kind } = spans;
  const { parents, isOrphan } = parentsOf(spans);
  const offsets = clockOffsets(spans, parents, hosts);
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

function parentsOf(spans: Spans): Pick<Tree, 'parents' | 'isOrphan'> {
  const { count, ids, parentIds, hasParentId, kind, service } = spans;
  const { parentOf, callerOf } = owners(spans);
  const parents = new Int32Array(count).fill(-1);
  const isOrphan = new Array<boolean>(count).fill(false);
  for (let row = 0; row < count; row++) {
    const found = hasParentId[row] ? parentOf(parentIds.high[row]!, parentIds.low[row]!, service[row]!) : -1;
    const parent = found === row ? -1 : found;
    isOrphan[row] = hasParentId[row]! && parent < 0;
    // Zipkin's client and server share one span id: the server is the child of the client.
    const owner = kind[row] === SERVER ? callerOf(ids.high[row]!, ids.low[row]!) : row;
    parents[row] = owner === row ? parent : owner;
  }
  return { parents, isOrphan };
}

interface Owners {
  /** The row that spans of a service below an id are below: the half of that service, else the one that answered; -1 for none. */
  parentOf(high: number, low: number, service: number): number;
  /** The row that called where several share an id. */
  callerOf(high: number, low: number): number;
}

function owners({ ids: { high, low }, kind, service }: Spans): Owners {
  const byLow = new Map<number, number>();
  /** Row with the same second half, further down; -1 ends them. */
  const further = new Int32Array(low.length).fill(-1);
  for (let row = low.length - 1; row >= 0; row--) {
    further[row] = byLow.get(low[row]!) ?? -1;
    byLow.set(low[row]!, row);
  }
  /** The first row with the id, by what is preferred, the strongest wish last. */
  const find = (wantedHigh: number, wantedLow: number, rank: (row: number) => number) => {
    let best = -1;
    for (let row = byLow.get(wantedLow) ?? -1; row >= 0; row = further[row]!) {
      if (high[row] === wantedHigh && (best < 0 || rank(row) > rank(best))) best = row;
    }
    return best;
  };
  return {
    parentOf: (wantedHigh, wantedLow, of) =>
      find(wantedHigh, wantedLow, (row) => (service[row] === of ? 2 : 0) + (kind[row] === SERVER ? 1 : 0)),
    callerOf: (wantedHigh, wantedLow) => find(wantedHigh, wantedLow, (row) => (kind[row] === SERVER ? 0 : 1)),
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
