// Rate, errors and duration over time; a stretch can be dragged out of either chart.
import { useMemo } from 'preact/hooks';
import { Plot, type PlotSeries } from '../charts/plot.tsx';
import { stepsOf } from '../charts/steps.ts';
import type { Params } from '../state/api.ts';
import { useAsk } from '../state/resource.ts';
import type { SeriesRow } from '../state/rows.ts';
import { compact, count, duration, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { timesOf } from '../ui/range.tsx';
import { Empty, Loaded } from '../ui/states.tsx';

interface StripProps {
  params: Params;
  every: number | undefined;
  onRange(from: number, to: number): void;
}

const COLUMNS = 90;

export function Strip({ params, every, onRange }: StripProps) {
  const asked = { ...params, columns: COLUMNS };
  const series = useAsk('series', asked, { every });
  return (
    <Panel title="Rate, errors, duration" query="series" params={asked} truncated={series.value?.truncated}>
      <div class="strip-room">
        <Loaded resource={series} what="the rate">
          {({ rows, range }) =>
            rows.length === 0 ? (
              <Empty title="Nothing happened in this time." />
            ) : (
              <Charts rows={rows} range={timesOf(range)} onRange={onRange} />
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}

interface ChartsProps {
  rows: SeriesRow[];
  range: { from: number; to: number };
  onRange(from: number, to: number): void;
}

function Charts({ rows, range, onRange }: ChartsProps) {
  const { times, rate, time, total, errors, slowest } = useMemo(
    () => chartsOf(rows, range),
    [rows, range.from, range.to],
  );
  return (
    <div class="strip">
      <figure>
        <figcaption>
          <Key token="--heat-3" label={`${count(total)} calls`} />
          <Key
            token="--error-fill"
            label={`${count(errors)} errors (${percent(total === 0 ? 0 : (100 * errors) / total)})`}
          />
        </figcaption>
        <Plot times={times} series={rate} format={compact} onRange={onRange} />
      </figure>
      <figure>
        <figcaption>
          <Key token="--heat-3" label="p50" />
          <Key token="--service-3" label="p95" />
          <Key token="--service-2" label="p99" />
          <span class="faint">at max {duration(slowest)}</span>
        </figcaption>
        <Plot times={times} series={time} format={duration} onRange={onRange} />
      </figure>
    </div>
  );
}

function Key({ token, label }: { token: string; label: string }) {
  return (
    <span class="key">
      <span class="dot" style={{ background: `var(${token})` }} aria-hidden="true" /> {label}
    </span>
  );
}

function chartsOf(rows: SeriesRow[], range: { from: number; to: number }) {
  const {
    start,
    step,
    count: columns,
  } = stepsOf(
    rows.map(({ at }) => at),
    range,
    COLUMNS,
  );
  // Where nothing happened there is no row: no calls, and no duration either.
  const at = new Map(rows.map((row) => [Math.round((Date.parse(row.at) - start) / step), row]));
  const each = Array.from({ length: columns }, (_, i) => at.get(i));
  const sum = (pick: (row: SeriesRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const line = (label: string, token: `--${string}`, pick: (row: SeriesRow) => number | null): PlotSeries => ({
    label,
    token,
    values: each.map((row) => (row ? pick(row) : null)),
  });
  return {
    times: each.map((_, i) => (start + i * step) / 1000),
    rate: [
      { ...line('calls', '--heat-3', ({ calls }) => calls), bars: true },
      { ...line('errors', '--error-fill', ({ errors }) => errors || null), bars: true },
    ],
    time: [
      line('p50', '--heat-3', ({ p50_ms }) => p50_ms),
      line('p95', '--service-3', ({ p95_ms }) => p95_ms),
      line('p99', '--service-2', ({ p99_ms }) => p99_ms),
    ],
    total: sum(({ calls }) => calls),
    errors: sum(({ errors }) => errors),
    slowest: Math.max(0, ...rows.map(({ p99_ms }) => p99_ms ?? 0)),
  };
}
