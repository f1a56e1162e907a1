// A directed graph in layers: every edge leads on to a later layer, with as few crossings as some sweeps can reach. After
// Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981).

export interface Size {
  /** Pixels along the direction of the edges, and across it. */
  along: number;
  across: number;
}

export interface LayerEdge {
  from: number;
  to: number;
  /** What its label takes. */
  label: Size;
}

export interface Point {
  along: number;
  across: number;
}

export interface Layers {
  nodes: Point[];
  /** Points of each edge from its start to its end; the label stands at `label`. */
  edges: { points: Point[]; label: Point }[];
  /** Pixels of everything. */
  extent: Size;
}

interface Item {
  size: Size;
  layer: number;
  /** Items of the layers before and after that it is joined to. */
  before: number[];
  after: number[];
  along: number;
  across: number;
}

const MARGIN = 10;
const SWEEPS = 16;

/**
 * Layers of labels stand between layers of nodes, so that no label covers a node. Edges of a circle run backwards; a node
 * that calls itself gets a loop.
 *
 * @param gap Pixels between layers and, within one, between neighbours.
 */
export function layers(sizes: Size[], edges: LayerEdge[], gap: Size): Layers {
  const items: Item[] = sizes.map((size) => ({ size, layer: 0, before: [], after: [], along: 0, across: 0 }));
  const straight = edges.filter(({ from, to }) => from !== to);
  const backwards = backEdges(sizes.length, straight);
  const forward = straight.map((edge) => (backwards.has(edge) ? { from: edge.to, to: edge.from } : edge));
  rank(items, forward);
  const chains = new Map(straight.map((edge, n) => [edge, chain(items, forward[n]!, edge.label)]));
  const rows: number[][] = [];
  items.forEach((item, n) => {
    rows[item.layer] ??= [];
    rows[item.layer]!.push(n);
  });
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(items, rows, sweep % 2 === 0);
  const extent = stand(items, rows, gap);
  return {
    nodes: items.slice(0, sizes.length).map(pointOf),
    edges: edges.map((edge) => {
      const passed = chains.get(edge);
      if (!passed) return loop(items[edge.from]!);
      const between = (backwards.has(edge) ? passed.toReversed() : passed).map((n) => pointOf(items[n]!));
      const label = pointOf(items[passed[passed.length >> 1]!]!);
      return {
        points: [port(items[edge.from]!, between[0]!), ...between, port(items[edge.to]!, between.at(-1)!)],
        label,
      };
    }),
    extent,
  };
}

/** Edges that lead back to where a walk along the edges came from. */
function backEdges<E extends { from: number; to: number }>(count: number, edges: E[]): Set<E> {
  const found = new Set<E>();
  const state = new Uint8Array(count);
  const visit = (node: number) => {
    state[node] = 1;
    for (const edge of edges) {
      if (edge.from !== node) continue;
      if (state[edge.to] === 1) found.add(edge);
      else if (state[edge.to] === 0) visit(edge.to);
    }
    state[node] = 2;
  };
  const called = new Set(edges.map(({ to }) => to));
  for (const first of [true, false])
    for (let n = 0; n < count; n++) if (state[n] === 0 && called.has(n) !== first) visit(n);
  return found;
}

/** Even layers, as late as what precedes demands; what nothing precedes moves up to what it leads to. */
function rank(items: Item[], edges: { from: number; to: number }[]): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const { from, to } of edges) {
      if (items[to]!.layer >= items[from]!.layer + 2) continue;
      items[to]!.layer = items[from]!.layer + 2;
      changed = true;
    }
  }
  items.forEach((item, n) => {
    const next = edges.filter(({ from }) => from === n).map(({ to }) => items[to]!.layer);
    if (next.length > 0 && !edges.some(({ to }) => to === n)) item.layer = Math.min(...next) - 2;
  });
}

/** Puts an item into every layer an edge passes, the label into the middle one. */
function chain(items: Item[], { from, to }: { from: number; to: number }, label: Size): number[] {
  const first = items[from]!.layer + 1;
  const passed = Array.from({ length: items[to]!.layer - first }, (_, n) => items.length + n);
  passed.forEach((_, n) => {
    const size = n === passed.length >> 1 ? label : { along: 0, across: 0 };
    items.push({ size, layer: first + n, before: [], after: [], along: 0, across: 0 });
  });
  const all = [from, ...passed, to];
  for (let n = 1; n < all.length; n++) {
    items[all[n - 1]!]!.after.push(all[n]!);
    items[all[n]!]!.before.push(all[n - 1]!);
  }
  return passed;
}

/** Sorts each layer by the middle of where its items are joined to in the layer before (or after). */
function order(items: Item[], rows: number[][], down: boolean): void {
  const place = new Float64Array(items.length);
  const number = (row: number[]) => {
    for (const [at, n] of row.entries()) place[n] = at;
  };
  rows.forEach(number);
  for (const row of down ? rows : rows.toReversed()) {
    const middle = new Map(
      row.map((n) => {
        const joined = down ? items[n]!.before : items[n]!.after;
        return [
          n,
          joined.length === 0 ? place[n]! : joined.reduce((sum, each) => sum + place[each]!, 0) / joined.length,
        ];
      }),
    );
    row.sort((a, b) => middle.get(a)! - middle.get(b)!);
    number(row);
  }
}

/** Coordinates: layers one after the other, and within each as near to what an item is joined to as neighbours allow. */
function stand(items: Item[], rows: number[][], gap: Size): Size {
  let along = MARGIN;
  for (const row of rows) {
    const widest = Math.max(...row.map((n) => items[n]!.size.along));
    let across = 0;
    for (const n of row) {
      items[n]!.along = along + widest / 2;
      items[n]!.across = across + items[n]!.size.across / 2;
      across += items[n]!.size.across + gap.across;
    }
    along += widest + gap.along / 2;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const row of sweep % 2 === 0 ? rows : rows.toReversed()) pull(items, row, gap.across);
  }
  const least = Math.min(...items.map(({ across, size }) => across - size.across / 2));
  for (const item of items) item.across += MARGIN - least;
  const max = Math.max(...items.map(({ across, size }) => across + size.across / 2));
  return { along: along - gap.along / 2 + MARGIN, across: max + MARGIN };
}

/** Least squares under "not nearer than the gap": neighbours that would overlap are pooled and move as one. */
function pull(items: Item[], row: number[], gap: number): void {
  const pools: { sum: number; n: number }[] = [];
  let offset = 0;
  const offsets = row.map((n, at) => {
    if (at > 0) offset += (items[row[at - 1]!]!.size.across + items[n]!.size.across) / 2 + gap;
    return offset;
  });
  row.forEach((n, at) => {
    const joined = [...items[n]!.before, ...items[n]!.after];
    const wanted =
      joined.length === 0
        ? items[n]!.across
        : joined.reduce((sum, each) => sum + items[each]!.across, 0) / joined.length;
    pools.push({ sum: wanted - offsets[at]!, n: 1 });
    while (pools.length > 1 && pools.at(-2)!.sum / pools.at(-2)!.n > pools.at(-1)!.sum / pools.at(-1)!.n) {
      const last = pools.pop()!;
      pools.at(-1)!.sum += last.sum;
      pools.at(-1)!.n += last.n;
    }
  });
  let at = 0;
  for (const pool of pools)
    for (let n = 0; n < pool.n; n++, at++) items[row[at]!]!.across = pool.sum / pool.n + offsets[at]!;
}

function pointOf({ along, across }: Item): Point {
  return { along, across };
}

/** Where an edge leaves a node towards a point: the side that faces it. */
function port({ along, across, size }: Item, towards: Point): Point {
  return { along: along + (Math.sign(towards.along - along) * size.along) / 2, across };
}

function loop({ along, across, size }: Item): Layers['edges'][number] {
  const out = { along: along + size.along / 2, across: across + size.across / 2 };
  const far = { along: out.along, across: out.across + MARGIN };
  return {
    points: [{ ...out, across }, out, far, { along, across: far.across }, { along, across: out.across }],
    label: far,
  };
}
