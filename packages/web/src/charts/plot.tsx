// Lines and bars over time. The library comes when a chart is shown; what it draws is said in words beside it.
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { colour, isDark } from '../state/theme.ts';

export interface PlotSeries {
  label: string;
  token: `--${string}`;
  values: (number | null)[];
  bars?: boolean;
}

interface PlotProps {
  /** Seconds since 1970. */
  times: number[];
  series: PlotSeries[];
  /** Value on the axis and in the legend. */
  format(value: number): string;
  /** Milliseconds since 1970; called when a stretch is dragged out. */
  onRange?: (from: number, to: number) => void;
  height?: number;
}

export function Plot({ times, series, format, onRange, height = 132 }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const dark = isDark.value;
  const latest = useRef(onRange);
  latest.current = onRange;
  useEffect(() => {
    const home = place.current;
    if (!home) return;
    let chart: uPlot | undefined;
    let gone = false;
    const resize = new ResizeObserver(() => chart?.setSize({ width: home.clientWidth, height }));
    import('uplot').then(({ default: UPlot }) => {
      if (gone) return;
      const options = optionsOf(UPlot, series, format, { width: home.clientWidth, height });
      const whenSelected = (plot: uPlot) => {
        const { left, width } = plot.select;
        if (width < 4) return;
        const at = (x: number) => plot.posToVal(x, 'x') * 1000;
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        latest.current?.(at(left), at(left + width));
      };
      options.hooks = { setSelect: [whenSelected] };
      chart = new UPlot(options, [times, ...series.map(({ values }) => values)], home);
      resize.observe(home);
    });
    return () => {
      gone = true;
      resize.disconnect();
      chart?.destroy();
    };
  }, [times, series, dark, height]);
  return <div class="plot" ref={place} aria-hidden="true" />;
}

function optionsOf(
  UPlot: typeof uPlot,
  series: PlotSeries[],
  format: (value: number) => string,
  size: { width: number; height: number },
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('--text-3'),
    font: '11px sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    // Half a label of the time axis fits after the last column.
    padding: [8, 18, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
    legend: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.08, 1e-9)] } },
    axes: [
      {
        ...axis,
        size: 24,
        space: 70,
        grid: { show: false },
        values: [
          [86_400, '{D} {MMM}', null, null, null, null, null, null, 1],
          [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
          [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
        ],
      },
      {
        ...axis,
        size: 58,
        space: 26,
        values: (_plot, values) => values.map((value) => (value === null ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...series.map(
        ({ label, token, bars }): uPlot.Series => ({
          label,
          stroke: colour(token),
          width: bars ? 0 : 1.5,
          ...(bars &&
            UPlot.paths.bars && { fill: colour(token), paths: UPlot.paths.bars({ size: [0.85, 60], align: 1 }) }),
          points: { show: false },
        }),
      ),
    ],
  };
}
