// Nested sets of a trace: how TraceQL tells ancestors, children and siblings.
import type { TraceFacts, TraceSpan } from './model.ts';

/**
 * Puts the spans of a whole trace in their places. Spans that do not hang on a root have none, and nor has any span of a
 * trace in which three spans share an id: it is unknown which is whose child.
 */
export function placeSpans(spans: TraceSpan[]): void {
  const byId = Map.groupBy(spans, ({ id }) => id);
  if ([...byId.values()].some((same) => same.length > 2)) return;
  const children = new Map<TraceSpan, TraceSpan[]>();
  for (const span of spans) {
    const parent = parentOf(span, byId);
    if (!parent) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(span);
    else children.set(parent, [span]);
  }
  for (const [parent, of] of children) parent.children = of.length;
  let bound = 1;
  for (const root of spans) {
    if (root.parentId !== undefined) continue;
    root.parentLeft = -1;
    root.left = bound++;
    const path = [{ span: root, next: 0 }];
    while (path.length > 0) {
      const top = path.at(-1) as { span: TraceSpan; next: number };
      const child = children.get(top.span)?.[top.next++];
      if (child) {
        child.left = bound++;
        child.parentLeft = top.span.left;
        child.parent = top.span;
        path.push({ span: child, next: 0 });
      } else {
        top.span.right = bound++;
        path.pop();
      }
    }
  }
}

/** Of two spans that share an id, as Zipkin's client and server do, the one on the other side of the call. */
function parentOf(span: TraceSpan, byId: Map<string, TraceSpan[]>): TraceSpan | undefined {
  if (span.parentId === undefined) return undefined;
  const found = byId.get(span.parentId) ?? [];
  if (found.length < 2) return found[0];
  const wanted = span.kind === 'server' ? 'client' : 'server';
  return found.find(({ kind }) => kind === wanted);
}

/** Facts of a trace from all of its spans. */
export function factsOf(id: string, spans: TraceSpan[]): TraceFacts {
  let startNs: bigint | undefined;
  let endNs = 0n;
  let root: TraceSpan | undefined;
  for (const span of spans) {
    if (startNs === undefined || span.startNs < startNs) startNs = span.startNs;
    const end = span.startNs + (span.durationNs ?? 0n);
    if (end > endNs) endNs = end;
    if (span.parentId === undefined && (!root || span.startNs < root.startNs)) root = span;
  }
  const start = startNs ?? 0n;
  return {
    id,
    startNs: start,
    durationNs: endNs - start,
    rootService: root?.service ?? '',
    rootName: root?.name ?? '',
  };
}
