// Rate, errors and duration over time; a stretch can be dragged out of either chart.
import { useMemo } from 'preact/hooks';
import { Plot, type PlotSeries } from '../charts/plot.tsx';
import type { Params } from '../state/api.ts';
import { useAsk } from '../state/resource.ts';
import type { SeriesRow } from '../state/rows.ts';
import { compact, count, duration, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';

interface StripProps {
  params: Params;
  every: number | undefined;
  onRange(from: number, to: number): void;
}

export function Strip({ params, every, onRange }: StripProps) {
  const asked = { ...params, columns: 60 };
  const series = useAsk('series', asked, { every });
  return (
    <Panel title="Rate, errors, duration" operation="series" params={asked} leftOut={series.value?.leftOut}>
      <Loaded resource={series} what="the rate">
        {({ rows }) => <Charts rows={rows} onRange={onRange} />}
      </Loaded>
    </Panel>
  );
}

function Charts({ rows, onRange }: { rows: SeriesRow[]; onRange(from: number, to: number): void }) {
  const { times, rate, time, total, errors, slowest } = useMemo(() => chartsOf(rows), [rows]);
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
          <span class="faint">at most {duration(slowest)}</span>
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

function chartsOf(rows: SeriesRow[]) {
  const sum = (pick: (row: SeriesRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const line = (label: string, token: `--${string}`, pick: (row: SeriesRow) => number | null): PlotSeries => ({
    label,
    token,
    values: rows.map(pick),
  });
  return {
    times: rows.map(({ at }) => Date.parse(at) / 1000),
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
