// The focused service, who calls it and whom it calls. Width is calls, words are errors and p95; the table has the same facts.
import { useEffect, useState } from 'preact/hooks';
import { labelWidth, NODE, nodeWidth, type Placed, place } from '../charts/graph.ts';
import type { DependenciesRow } from '../state/rows.ts';
import { serviceToken } from '../state/services.ts';
import { compact, duration, percent } from '../ui/format.ts';
import { Scroll } from '../ui/scroll.tsx';

interface ServiceGraphProps {
  edges: DependenciesRow[];
  focus: string;
  hrefOf(service: string): string;
}

const NARROW = '(max-width: 700px)';
/** A graph that is too wide is made smaller, down to this; then it scrolls. */
const SMALLEST = 0.7;

export function ServiceGraph({ edges, focus, hrefOf }: ServiceGraphProps) {
  const names = [...new Set([focus, ...edges.flatMap(({ caller, callee }) => [caller, callee])])];
  const [placed, setPlaced] = useState<Placed & { of: string }>();
  const key = JSON.stringify([names, edges]);
  useEffect(() => {
    let gone = false;
    const wanted = edges.map((edge) => ({
      from: edge.caller,
      to: edge.callee,
      labelWidth: labelWidth(wordsOf(edge)),
    }));
    place(names, wanted, matchMedia(NARROW).matches).then((next) => gone || setPlaced({ ...next, of: key }));
    return () => {
      gone = true;
    };
  }, [key]);
  if (placed?.of !== key) return <div class="graph-room" />;
  const max = Math.max(1, ...edges.map(({ calls }) => calls));
  return (
    <Scroll label={`Graph around ${focus}`}>
      <svg
        class="graph"
        viewBox={`0 0 ${placed.width} ${placed.height}`}
        style={{ width: `max(${SMALLEST * placed.width}px, min(100%, ${placed.width}px))` }}
      >
        <title>{`Services around ${focus}; the table below has the same facts`}</title>
        <defs>
          {['plain', 'failing'].map((kind) => (
            <marker
              key={kind}
              id={`arrow-${kind}`}
              class={kind}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="12"
              markerHeight="12"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0,0.5L8,4L0,7.5z" />
            </marker>
          ))}
        </defs>
        {edges.map((edge, i) => (
          <EdgePath key={`${edge.caller} ${edge.callee}`} edge={edge} placed={placed.edges[i]} max={max} />
        ))}
        {names.map((name) => (
          <Node key={name} name={name} at={placed.nodes.get(name)} focused={name === focus} href={hrefOf(name)} />
        ))}
      </svg>
    </Scroll>
  );
}

function Node({
  name,
  at,
  focused,
  href,
}: {
  name: string;
  at: { x: number; y: number } | undefined;
  focused: boolean;
  href: string;
}) {
  if (!at) return null;
  const width = nodeWidth(name);
  return (
    <a href={href} class={focused ? 'node focused' : 'node'} aria-current={focused ? 'true' : undefined}>
      <g transform={`translate(${at.x - width / 2},${at.y - NODE.height / 2})`}>
        <rect width={width} height={NODE.height} rx="7" />
        <rect
          class="node-colour"
          x="10"
          y={NODE.height / 2 - 5}
          width="10"
          height="10"
          rx="3"
          style={{ fill: `var(${serviceToken(name)})` }}
        />
        <text x="27" y={NODE.height / 2 + 4.5}>
          {name}
        </text>
      </g>
    </a>
  );
}

function EdgePath({
  edge,
  placed,
  max,
}: {
  edge: DependenciesRow;
  placed: Placed['edges'][number] | undefined;
  max: number;
}) {
  if (!placed) return null;
  const failing = edge.errors > 0;
  const words = wordsOf(edge);
  const width = labelWidth(words);
  return (
    <g class={failing ? 'edge failing' : 'edge'}>
      <path
        d={placed.path}
        stroke-width={1 + 4 * Math.sqrt(edge.calls / max)}
        marker-end={`url(#arrow-${failing ? 'failing' : 'plain'})`}
      />
      <rect x={placed.x - width / 2} y={placed.y - 8} width={width} height="16" rx="4" />
      <text x={placed.x} y={placed.y + 4}>
        {words}
      </text>
    </g>
  );
}

function wordsOf({ calls, errors, error_pct, p95_ms }: DependenciesRow): string {
  const failing = errors > 0 ? `${percent(error_pct)} failed · ` : '';
  return `${failing}${compact(calls)} · ${duration(p95_ms)}`;
}
