// A trace beside what its operations usually take: the median of the last seven days, other traces only.
import { useState } from 'preact/hooks';
import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Service } from '../ui/bits.tsx';
import { count, duration } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

type Row = Rows['compare-with-usual'];

interface Props {
  traceId: string;
  /** Shows the longest span of an operation. */
  onSpan(spanId: string): void;
}

/** So many operations are shown before the rest is asked for. */
const FEW = 8;
const MAX = 1000;

export function AgainstUsual({ traceId, onSpan }: Props) {
  const params = { trace_id: traceId, limit: MAX };
  const answer = useAsk('compare-with-usual', params);
  const [all, setAll] = useState(false);
  return (
    <Panel
      title="Beside the usual of the last seven days"
      query="compare-with-usual"
      params={params}
      truncated={answer.value?.truncated}
      flush
    >
      <Loaded resource={answer} what="what is usual">
        {({ rows }) => (
          <>
            <p class="choose-first">{summary(rows)}</p>
            <Table
              caption="Operations beside their usual durations"
              columns={columnsFor(onSpan)}
              rows={all ? rows : rows.slice(0, FEW)}
              rowKey={(row) => row.longest_span_id}
            />
            {!all && rows.length > FEW && (
              <p class="more">
                <button type="button" onClick={() => setAll(true)}>
                  All {count(rows.length)} operations
                </button>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

/** How many operations are slower, and which most; for how many nothing is known. */
function summary(rows: Row[]) {
  const slower = rows.filter(({ change }) => change === 'slower');
  const unknown = rows.filter(({ change }) => change === 'no baseline').length;
  const [worst] = slower.toSorted((a, b) => (b.extra_ms ?? 0) - (a.extra_ms ?? 0));
  return (
    <>
      {worst ? (
        <>
          {slower.length === 1 ? 'One operation is' : `${count(slower.length)} operations are`} slower than usual, max
          of all <strong>{worst.operation}</strong> of {worst.service}: {duration(worst.median_ms)} instead of{' '}
          {duration(worst.usual_p50_ms)}.
        </>
      ) : (
        unknown < rows.length && 'No operation is slower than usual.'
      )}
      {unknown > 0 && (
        <span class="dim">
          {unknown === rows.length
            ? 'None of its operations has a baseline yet.'
            : ` ${count(unknown)} of ${count(rows.length)} ${unknown === 1 ? 'has' : 'have'} no baseline yet.`}
        </span>
      )}
    </>
  );
}

/** Beyond this many times the median; within the 95th percentile even many times are usual. */
const WORDS: Record<Row['change'], string> = {
  slower: 'slower',
  faster: 'faster',
  usual: 'usual',
  'too few': 'of few calls',
  'no baseline': 'no baseline yet',
};

function columnsFor(onSpan: Props['onSpan']): Column<Row>[] {
  return [
    {
      key: 'operation',
      title: 'Operation',
      cell: (row) => (
        <button
          type="button"
          class="link usual-name"
          title="Show its longest span in the waterfall"
          onClick={() => onSpan(row.longest_span_id)}
        >
          <Service name={row.service} />
          <span class="clip">{row.operation}</span>
        </button>
      ),
    },
    { key: 'usual', title: 'Usual p50', end: true, cell: (row) => dash(row.usual_p50_ms) },
    {
      key: 'here',
      title: 'This',
      end: true,
      cell: (row) => (
        <span
          title={row.spans > 1 ? `Median of ${count(row.spans)}; the longest ${duration(row.longest_ms)}` : undefined}
        >
          {row.failed > 0 && (
            <span class="bad" title={`${count(row.failed)} failed`}>
              ×{' '}
            </span>
          )}
          {duration(row.median_ms)}
        </span>
      ),
    },
    {
      key: 'times',
      title: 'Times',
      end: true,
      cell: (row) => (
        <span class={`change ${row.change}`} title={row.compared_with}>
          {row.times !== null && timesText(row.times)} {WORDS[row.change]}
        </span>
      ),
    },
    { key: 'spans', title: 'Spans', end: true, wideOnly: true, cell: (row) => count(row.spans) },
    { key: 'p95', title: 'Usual p95', end: true, wideOnly: true, cell: (row) => dash(row.usual_p95_ms) },
    {
      key: 'with',
      title: 'Compared with',
      wideOnly: true,
      cell: (row) => (
        <span class="clip dim" title={row.compared_with}>
          {row.usual_calls === null ? row.compared_with : `${count(row.usual_calls)} calls, ${row.compared_with}`}
        </span>
      ),
    },
  ];
}

function dash(ms: number | null) {
  return ms === null ? <span class="faint">–</span> : duration(ms);
}

/** `4.3 ×`, `0.08 ×`, `120 ×`. */
function timesText(times: number): string {
  return `${times >= 10 ? Math.round(times) : times >= 0.1 ? times.toFixed(1) : times.toFixed(2)} ×`;
}
