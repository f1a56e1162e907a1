import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LayerEdge, layers } from '../src/charts/layers.ts';

const NODE = { along: 100, across: 34 };
const LABEL = { along: 60, across: 16 };
const GAP = { along: 60, across: 22 };

function drawn(count: number, edges: Array<[number, number]>) {
  const given: LayerEdge[] = edges.map(([from, to]) => ({ from, to, label: LABEL }));
  return layers(
    Array.from({ length: count }, () => NODE),
    given,
    GAP,
  );
}

/** Boxes by their middle, and whether any two of them touch. */
function overlaps(boxes: Array<{ along: number; across: number; size: typeof NODE }>): boolean {
  return boxes.some((a, n) =>
    boxes
      .slice(n + 1)
      .some(
        (b) =>
          Math.abs(a.along - b.along) < (a.size.along + b.size.along) / 2 - 0.01 &&
          Math.abs(a.across - b.across) < (a.size.across + b.size.across) / 2 - 0.01,
      ),
  );
}

test('callers stand before callees, and a caller in the middle of what it calls', () => {
  const { nodes } = drawn(4, [
    [0, 1],
    [1, 2],
    [1, 3],
  ]);
  assert.ok(nodes[0]!.along < nodes[1]!.along && nodes[1]!.along < nodes[2]!.along);
  assert.equal(nodes[2]!.along, nodes[3]!.along);
  assert.ok(Math.abs(nodes[1]!.across - (nodes[2]!.across + nodes[3]!.across) / 2) < 1);
});

test('an edge over several layers passes none of the nodes between', () => {
  const { nodes, edges } = drawn(3, [
    [0, 1],
    [1, 2],
    [0, 2],
  ]);
  const long = edges[2]!.points.filter(({ along }) => Math.abs(along - nodes[1]!.along) < NODE.along / 2);
  assert.ok(long.every(({ across }) => Math.abs(across - nodes[1]!.across) > NODE.across / 2));
});

test('a circle and a call of oneself are drawn, from their start to their end', () => {
  const { nodes, edges } = drawn(3, [
    [0, 1],
    [1, 2],
    [2, 0],
    [1, 1],
  ]);
  for (const [n, [from, to]] of [[0, [0, 1]] as const, [2, [2, 0]] as const]) {
    const { points } = edges[n]!;
    assert.ok(Math.abs(points[0]!.along - nodes[from]!.along) <= NODE.along / 2);
    assert.ok(Math.abs(points.at(-1)!.along - nodes[to]!.along) <= NODE.along / 2);
  }
  assert.ok(edges[3]!.points.length > 2);
});

test('in a hundred graphs no node and no label lies on another, and all are inside', () => {
  let seed = 3;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  for (let round = 0; round < 100; round++) {
    const count = 2 + random(14);
    const edges = Array.from({ length: random(24) }, () => [random(count), random(count)] as [number, number]);
    const { nodes, edges: lines, extent } = drawn(count, edges);
    const boxes = nodes.map((at) => ({ ...at, size: NODE }));
    const labels = lines
      .filter((_, n) => edges[n]![0] !== edges[n]![1])
      .map(({ label }) => ({ ...label, size: LABEL }));
    assert.ok(!overlaps([...boxes, ...labels]), `round ${round}: ${JSON.stringify(edges)}`);
    for (const { along, across, size } of boxes) {
      assert.ok(along - size.along / 2 >= 0 && along + size.along / 2 <= extent.along);
      assert.ok(across - size.across / 2 >= 0 && across + size.across / 2 <= extent.across);
    }
  }
});
