// A flame graph of own time: equal stacks of operations merged, widest left. Widths are self time, so that they always
// add up, also where calls ran side by side.
import { isFailure, type Trace } from '../trace/model.ts';

export interface Flame {
  count: number;
  /** Per node. */
  parent: Int32Array;
  depth: Int32Array;
  service: Int32Array;
  name: Int32Array;
  /** Left edge and width, shares of the whole. */
  x: Float64Array;
  width: Float64Array;
  /** Microseconds of its own, and with all below. */
  self: Float64Array;
  total: Float64Array;
  spans: Int32Array;
  failed: Int32Array;
  /** First span of the stack. */
  first: Int32Array;
  /** Nodes per depth, from left to right. */
  levels: Int32Array[];
}

/** Merges spans with the same way down, by (service, operation). Linear, but for sorting siblings. */
export function buildFlame(trace: Trace): Flame {
  const nodeOf = new Int32Array(trace.count);
  const parent: number[] = [];
  const service: number[] = [];
  const name: number[] = [];
  const depth: number[] = [];
  const self: number[] = [];
  const spans: number[] = [];
  const failed: number[] = [];
  const first: number[] = [];
  const known = new Map<string, number>();
  for (let row = 0; row < trace.count; row++) {
    const above = trace.parent[row]! < 0 ? -1 : nodeOf[trace.parent[row]!]!;
    const key = `${above} ${trace.service[row]} ${trace.name[row]}`;
    let node = known.get(key);
    if (node === undefined) {
      node = parent.length;
      known.set(key, node);
      parent.push(above);
      service.push(trace.service[row]!);
      name.push(trace.name[row]!);
      depth.push(above < 0 ? 0 : depth[above]! + 1);
      self.push(0);
      spans.push(0);
      failed.push(0);
      first.push(row);
    }
    nodeOf[row] = node;
    self[node]! += trace.self[row]!;
    spans[node]!++;
    if (isFailure(trace.status[row]!)) failed[node]!++;
  }
  const count = parent.length;
  const total = Float64Array.from(self);
  // A node comes after its parent, so going backwards every child is complete before it is added.
  for (let node = count - 1; node >= 0; node--) if (parent[node]! >= 0) total[parent[node]!]! += total[node]!;
  const flame = {
    count,
    parent: Int32Array.from(parent),
    depth: Int32Array.from(depth),
    service: Int32Array.from(service),
    name: Int32Array.from(name),
    self: Float64Array.from(self),
    total,
    spans: Int32Array.from(spans),
    failed: Int32Array.from(failed),
    first: Int32Array.from(first),
  };
  return { ...flame, ...place(flame) };
}

/** Edges level by level: children from their parent's left edge on, largest first. */
function place(flame: Pick<Flame, 'count' | 'parent' | 'depth' | 'total'>): Pick<Flame, 'x' | 'width' | 'levels'> {
  const x = new Float64Array(flame.count);
  const width = new Float64Array(flame.count);
  const next = new Float64Array(flame.count);
  const byDepth: number[][] = [];
  let all = 0;
  for (let node = 0; node < flame.count; node++) {
    const depth = flame.depth[node]!;
    byDepth[depth] ??= [];
    byDepth[depth].push(node);
    if (flame.parent[node]! < 0) all += flame.total[node]!;
  }
  let nextRoot = 0;
  const levels = byDepth.map((nodes) => {
    nodes.sort(
      (a, b) =>
        x[flame.parent[a]!]! - x[flame.parent[b]!]! ||
        flame.parent[a]! - flame.parent[b]! ||
        flame.total[b]! - flame.total[a]!,
    );
    for (const node of nodes) {
      const above = flame.parent[node]!;
      width[node] = all > 0 ? flame.total[node]! / all : 1 / flame.count;
      x[node] = above < 0 ? nextRoot : next[above]!;
      next[node] = x[node]!;
      if (above < 0) nextRoot += width[node]!;
      else next[above]! += width[node]!;
    }
    return Int32Array.from(nodes);
  });
  return { x, width, levels };
}

/** A rectangle to draw; several nodes narrower than a pixel share one, which then names none (`node` -1). */
export interface FlameBox {
  node: number;
  x: number;
  width: number;
}

/** What of a level is on screen, between the shares `from` and `to`: found by binary search, slivers merged. */
export function flameBoxes(flame: Flame, level: number, from: number, to: number, pixels: number): FlameBox[] {
  const nodes = flame.levels[level];
  if (!nodes) return [];
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (flame.x[nodes[middle]!]! + flame.width[nodes[middle]!]! <= from) low = middle + 1;
    else high = middle;
  }
  const scale = pixels / (to - from);
  const boxes: FlameBox[] = [];
  for (let at = low; at < nodes.length; at++) {
    const node = nodes[at]!;
    if (flame.x[node]! >= to) break;
    const x = Math.max(0, (flame.x[node]! - from) * scale);
    const width = Math.min(pixels, (flame.x[node]! + flame.width[node]! - from) * scale) - x;
    const last = boxes.at(-1);
    if (width >= 1) boxes.push({ node, x, width });
    else if (last?.node === -1 && x - (last.x + last.width) < 1) last.width = Math.max(1, x + width - last.x);
    else boxes.push({ node: -1, x, width: 1 });
  }
  return boxes;
}

/** The node at a share of the width; -1 when there is none. */
export function flameAt(flame: Flame, level: number, share: number): number {
  const box = flameBoxes(flame, level, share, share + 1e-9, 1e6)[0];
  return box && box.node >= 0 && flame.x[box.node]! <= share ? box.node : -1;
}
