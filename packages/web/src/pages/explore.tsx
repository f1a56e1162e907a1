// Explore: filter, look at rate and durations, drag a rectangle, see what is different about it, open a trace.
import { Differences } from '../explore/differences.tsx';
import { FilterBar } from '../explore/filter-bar.tsx';
import { HeatmapView } from '../explore/heatmap-view.tsx';
import { LiveTail } from '../explore/live-tail.tsx';
import { ORDERS, Results } from '../explore/results.tsx';
import { asTerms, type Selection, selectionField } from '../explore/selection.ts';
import { Strip } from '../explore/strip.tsx';
import { withTerm } from '../explore/terms.ts';
import type { Answer, Params } from '../state/api.ts';
import { useKeys } from '../state/keys.ts';
import { type Range, rangeFields } from '../state/range.ts';
import { type Resource, useAsk } from '../state/resource.ts';
import type { HeatmapRow } from '../state/rows.ts';
import { field, readUrl, setUrl } from '../state/url.ts';
import { FirstSpan, useHasSpans } from '../ui/first-span.tsx';
import { count } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { RangePicker, timesOf } from '../ui/range.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { WithRange } from '../ui/with-range.tsx';

const POPULATIONS = [
  ['root', 'traces'],
  ['all', 'all spans'],
] as const;
const fields = {
  ...rangeFields,
  q: field.text(''),
  spans: field.oneOf(['', 'root', 'all'], ''),
  order: field.oneOf(ORDERS, 'newest'),
  sel: selectionField,
  live: field.flag(),
};
const COLUMNS = 72;

export default function Explore() {
  return <WithRange what="traces">{(range) => <Look range={range} />}</WithRange>;
}

function Look({ range: { from, to } }: { range: Range }) {
  const { q, spans: chosen, order, sel, live } = readUrl(fields);
  const spans = chosen || (q ? 'all' : 'root');
  const params: Params = { q, from, to };
  const population = { ...params, spans };
  const heatmap = useAsk('heatmap', { ...population, columns: COLUMNS });
  const hasSpans = useHasSpans(heatmap.value?.rows.length === 0 && !q);
  const wrong = heatmap.problem?.status === 400 ? heatmap.problem.message : undefined;
  const zoom = (start: number, end: number) =>
    setUrl(fields, { from: new Date(start).toISOString(), to: new Date(end).toISOString(), sel: null });
  useKeys('Explore', [
    { key: 'l', doc: 'live tail', run: () => setUrl(fields, { live: !live }) },
    { key: 'x', doc: 'clear the selection', run: () => setUrl(fields, { sel: null }) },
  ]);
  if (hasSpans === false) return <FirstSpan />;
  return (
    <>
      <div class="page-head">
        <h1>Explore</h1>
        <span class="grow" />
        <button type="button" aria-pressed={live} onClick={() => setUrl(fields, { live: !live })}>
          <span class={live ? 'live-dot on' : 'live-dot'} aria-hidden="true" /> Live
        </button>
        {!live && <RangePicker range={{ from, to }} />}
      </div>
      <FilterBar q={q} range={{ from, to }} onChange={(next) => setUrl(fields, { q: next, sel: null })} wrong={wrong} />
      {live ? (
        <LiveTail q={q} />
      ) : (
        <>
          <Strip params={params} every={undefined} onRange={zoom} />
          <div class={sel ? 'heat-and-differences open' : 'heat-and-differences'}>
            <Heat heatmap={heatmap} params={population} spans={spans} selection={sel} onZoom={zoom} />
            {sel && (
              <Differences
                params={population}
                selection={sel}
                onFilter={(term) => setUrl(fields, { q: withTerm(q, term) })}
                onClear={() => setUrl(fields, { sel: null })}
              />
            )}
          </div>
          <Results
            params={sel ? within(params, sel) : params}
            order={order}
            onOrder={(next) => setUrl(fields, { order: next })}
          />
        </>
      )}
    </>
  );
}

/** The list shows what the rectangle holds. */
function within({ q }: Params, selection: Selection): Params {
  return {
    q: `${q} ${asTerms(selection)}`.trim(),
    from: new Date(selection.from).toISOString(),
    to: new Date(selection.to).toISOString(),
  };
}

interface HeatProps {
  heatmap: Resource<Answer<HeatmapRow>>;
  params: Params;
  spans: 'root' | 'all';
  selection: Selection | null;
  onZoom(from: number, to: number): void;
}

function Heat({ heatmap, params, spans, selection, onZoom }: HeatProps) {
  const select = (sel: Selection | null) => setUrl(fields, { sel });
  return (
    <Panel
      title="Latency"
      query="heatmap"
      params={{ ...params, columns: COLUMNS }}
      truncated={heatmap.value?.rows.length ? heatmap.value.truncated : null}
      actions={
        <>
          {selection && (
            <button type="button" class="small" onClick={() => onZoom(selection.from, selection.to)}>
              Zoom in
            </button>
          )}
          <Quick heatmap={heatmap.value} onSelect={select} />
          <Segments
            label="Of what"
            options={POPULATIONS}
            value={spans}
            onChange={(value) => setUrl(fields, { spans: value, sel: null })}
          />
        </>
      }
    >
      <div class="heat-room">
        <Loaded resource={heatmap} what="the heatmap">
          {({ rows, range, truncated }) =>
            rows.length === 0 ? (
              <Empty title="No span fits.">
                <p>{truncated ?? 'A longer range of time or fewer terms may find some.'}</p>
              </Empty>
            ) : (
              <>
                <HeatmapView
                  cells={rows}
                  range={timesOf(range)}
                  columns={COLUMNS}
                  selection={selection}
                  onSelect={select}
                />
                <p class="faint heat-hint">
                  {count(rows.reduce((sum, row) => sum + row.count, 0))} {spans === 'root' ? 'traces' : 'spans'}. Drag a
                  rectangle to see what is different about it. Red marks: failed.
                </p>
              </>
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}

/** Two selections that are often wanted, one click away. */
function Quick({
  heatmap,
  onSelect,
}: {
  heatmap: Answer<HeatmapRow> | undefined;
  onSelect(selection: Selection): void;
}) {
  const rows = heatmap?.rows ?? [];
  if (!heatmap || rows.length === 0) return null;
  const whole = { ...timesOf(heatmap.range), min: 0, max: null, errors: false };
  const failed = rows.some(({ errors }) => errors > 0);
  return (
    <>
      <button type="button" class="small" onClick={() => onSelect({ ...whole, min: slowest(rows) })}>
        Slowest 5 %
      </button>
      {failed && (
        <button type="button" class="small" onClick={() => onSelect({ ...whole, errors: true })}>
          Failed
        </button>
      )}
    </>
  );
}

/** Lower edge of the classes that hold the slowest twentieth. */
function slowest(rows: HeatmapRow[]): number {
  const ended = rows.flatMap(({ bucket_ms_from: from, count: n }) => (from === null ? [] : [{ from, n }]));
  const total = ended.reduce((sum, { n }) => sum + n, 0);
  let above = 0;
  for (const { from, n } of ended.sort((a, b) => b.from - a.from)) {
    above += n;
    if (above >= total * 0.05) return from;
  }
  return 0;
}
