// The answer as a picture: lines over a column of times, else bars by the first column of words.
import { useMemo } from 'preact/hooks';
import { Plot, type PlotSeries } from '../charts/plot.tsx';
import { compact, count } from '../ui/format.ts';
import { Empty } from '../ui/states.tsx';
import { type Column, isNumber, textOf } from './result.tsx';

interface ResultChartProps {
  columns: Column[];
  rows: Record<string, unknown>[];
}

const TOKENS = ['--heat-3', '--service-3', '--service-2', '--service-1', '--service-5'] as const;
const MAX_BARS = 40;

export function ResultChart({ columns, rows }: ResultChartProps) {
  const time = columns.find(({ type }) => /^(?:timestamp|date)/.test(type));
  const numbers = columns
    .filter(({ name, type }) => isNumber(type) || isNumeric(rows, name))
    .filter((column) => column !== time);
  if (numbers.length === 0) {
    return (
      <Empty title="There is no column of numbers to draw.">
        <p>A column of times with numbers gives lines; one of words with a number gives bars.</p>
      </Empty>
    );
  }
  if (time) return <Lines time={time} numbers={numbers.slice(0, TOKENS.length)} rows={rows} />;
  const names = columns.find((column) => !numbers.includes(column));
  return <Bars name={names} number={numbers[0] as Column} rows={rows} />;
}

function isNumeric(rows: Record<string, unknown>[], name: string): boolean {
  return rows.length > 0 && rows.every((row) => typeof row[name] === 'number');
}

function Lines({ time, numbers, rows }: { time: Column; numbers: Column[]; rows: Record<string, unknown>[] }) {
  const { times, series } = useMemo(() => {
    const sorted = rows.toSorted((a, b) => Date.parse(String(a[time.name])) - Date.parse(String(b[time.name])));
    return {
      times: sorted.map((row) => Date.parse(String(row[time.name])) / 1000),
      series: numbers.map(
        ({ name }, i): PlotSeries => ({
          label: name,
          token: TOKENS[i] ?? '--heat-3',
          values: sorted.map((row) => (row[name] === null ? null : Number(row[name]))),
        }),
      ),
    };
  }, [rows, time.name]);
  return (
    <figure class="result-chart">
      <figcaption>
        {series.map(({ label, token }) => (
          <span key={label} class="key">
            <span class="dot" style={{ background: `var(${token})` }} aria-hidden="true" /> {label}
          </span>
        ))}
      </figcaption>
      <Plot times={times} series={series} format={compact} height={280} />
    </figure>
  );
}

function Bars({ name, number, rows }: { name: Column | undefined; number: Column; rows: Record<string, unknown>[] }) {
  const shown = rows.slice(0, MAX_BARS);
  const max = Math.max(1e-9, ...shown.map((row) => Math.abs(Number(row[number.name]))));
  return (
    <>
      <ul class="result-bars" aria-label={`${number.name} by ${name?.name ?? 'row'}`}>
        {shown.map((row, i) => {
          const value = Number(row[number.name]);
          return (
            <li key={`${i}`}>
              <span class="clip">{name ? textOf(row[name.name]) : i + 1}</span>
              <span class="bar-track" aria-hidden="true">
                <span class="selected" style={{ width: `${(100 * Math.abs(value)) / max}%` }} />
              </span>
              <span>{Number.isInteger(value) ? count(value) : value.toPrecision(4)}</span>
            </li>
          );
        })}
      </ul>
      {rows.length > MAX_BARS && (
        <p class="left-out">{`The first ${MAX_BARS} of ${count(rows.length)} rows are drawn; the table has all.`}</p>
      )}
    </>
  );
}
