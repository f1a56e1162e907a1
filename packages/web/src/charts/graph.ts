// Where the services of a graph stand and how their edges run.
import { type Point as LayerPoint, layers } from './layers.ts';

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
 * Layered layout. Coordinates are pixels; nodes are given by their middle.
 *
 * @param upright Callers above callees instead of left of them.
 */
export async function place(names: string[], edges: Edge[], upright: boolean): Promise<Placed> {
  const sizeOf = (width: number, height: number) =>
    upright ? { along: height, across: width } : { along: width, across: height };
  const xy = ({ along, across }: LayerPoint): Point => (upright ? { x: across, y: along } : { x: along, y: across });
  const number = new Map(names.map((name, n) => [name, n]));
  const {
    nodes,
    edges: lines,
    extent,
  } = layers(
    names.map((name) => sizeOf(nodeWidth(name), NODE.height)),
    edges.map(({ from, to, labelWidth }) => ({
      from: number.get(from) ?? 0,
      to: number.get(to) ?? 0,
      label: sizeOf(labelWidth, LABEL_HEIGHT),
    })),
    { along: upright ? 44 : 60, across: 22 },
  );
  const { x: width, y: height } = xy(extent);
  return {
    width,
    height,
    nodes: new Map(names.map((name, n) => [name, xy(nodes[n] as LayerPoint)])),
    edges: lines.map(({ points, label }) => ({ path: curve(points.map(xy)), ...xy(label) })),
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
