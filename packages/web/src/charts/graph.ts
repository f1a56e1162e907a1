// Where the services of a graph stand and how their edges run. The layout comes when a graph is shown.

export interface Edge {
  from: string;
  to: string;
  /** Pixels the label needs. */
  labelWidth: number;
}

export interface Placed {
  width: number;
  height: number;
  nodes: Map<string, { x: number; y: number }>;
  /** Path of an edge and the middle of its label, in the order the edges were given. */
  edges: { path: string; x: number; y: number }[];
}

export const NODE = { height: 34 };
const NODE_PADDING = 40;
const LABEL_HEIGHT = 16;

/**
 * Layered layout by dagre. Coordinates are pixels; nodes are given by their middle.
 *
 * @param upright Callers above callees instead of left of them.
 */
export async function place(names: string[], edges: Edge[], upright: boolean): Promise<Placed> {
  const { Graph, layout } = await import('@dagrejs/dagre');
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: upright ? 'TB' : 'LR',
    nodesep: 22,
    ranksep: upright ? 44 : 60,
    marginx: 10,
    marginy: 10,
    edgesep: 14,
  });
  for (const name of names) graph.setNode(name, { width: nodeWidth(name), height: NODE.height });
  for (const [i, { from, to, labelWidth }] of edges.entries()) {
    graph.setEdge(from, to, { width: labelWidth, height: LABEL_HEIGHT, labelpos: 'c' }, String(i));
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: new Map(names.map((name) => [name, graph.node(name) as { x: number; y: number }])),
    edges: edges.map(({ from, to }, i) => {
      const { points, x, y } = graph.edge({ v: from, w: to, name: String(i) }) as unknown as {
        points: Point[];
        x: number;
        y: number;
      };
      return { path: curve(points), x, y };
    }),
  };
}

/** Pixels a service's box is wide. */
export function nodeWidth(name: string): number {
  return Math.ceil(textWidth(name, 12.5)) + NODE_PADDING;
}

/** Pixels an edge's words are wide. */
export function labelWidth(words: string): number {
  return Math.ceil(textWidth(words, 11)) + 8;
}

let measure: CanvasRenderingContext2D | null | undefined;

function textWidth(text: string, pixels: number): number {
  measure ??= document.createElement('canvas').getContext('2d');
  if (!measure) return text.length * pixels * 0.6;
  measure.font = `${pixels}px ${getComputedStyle(document.body).fontFamily}`;
  return measure.measureText(text).width;
}

interface Point {
  x: number;
  y: number;
}

/** Through the middles between the points, bent towards the points: quadratic B-spline. */
function curve(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const last = rest.at(-1) ?? first;
  const steps = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1] as Point;
    const end = i === rest.length - 2 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${round(point.x)},${round(point.y)} ${round(end.x)},${round(end.y)}`;
  });
  return `M${round(first.x)},${round(first.y)}${steps.length > 0 ? steps.join('') : `L${round(last.x)},${round(last.y)}`}`;
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
