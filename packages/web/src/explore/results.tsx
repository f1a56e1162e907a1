// Traces that fit, page by page; what arrives meanwhile neither shifts nor repeats a row.

import { useState } from 'preact/hooks';
import { type Answer, ask, type Params, type Problem } from '../state/api.ts';
import { asProblem, useAsk } from '../state/resource.ts';
import type { SearchRow } from '../state/rows.ts';
import { executionHref } from '../state/url.ts';
import { Service, Status } from '../ui/bits.tsx';
import { count, duration, moment } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Failed, Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

export const ORDERS = ['newest', 'slowest', 'errors'] as const;
export type Order = (typeof ORDERS)[number];

interface ResultsProps {
  params: Params;
  order: Order;
  onOrder(order: Order): void;
}

const PAGE = 50;

export function Results({ params, order, onOrder }: ResultsProps) {
  const asked: Params = { ...params, order: order === 'newest' ? undefined : order, limit: PAGE };
  const first = useAsk('search', asked);
  const { more, last, load, loading, problem, next } = useMore(asked, first.value);
  const rows = [...(first.value?.rows ?? []), ...more];
  return (
    <Panel
      title={first.value ? `${count(rows.length)}${next ? '+' : ''} traces` : 'Traces'}
      query="search"
      params={asked}
      flush
      actions={
        <Segments
          label="Order"
          options={ORDERS.map((each) => [each, each] as const)}
          value={order}
          onChange={onOrder}
        />
      }
    >
      <Loaded resource={first} what="traces">
        {({ truncated }) =>
          rows.length === 0 ? (
            <Empty title="No trace fits.">
              <p>{truncated ?? 'A longer range of time or fewer terms may find some.'}</p>
            </Empty>
          ) : (
            <>
              <Table caption="Traces" columns={columnsFor(rows)} rows={rows} rowKey={({ trace_id }) => trace_id} />
              {problem && <Failed problem={problem} retry={load} />}
              <p class="more">
                {next ? (
                  <button type="button" onClick={load} disabled={loading || first.loading}>
                    {loading ? 'Loading …' : `${PAGE} more`}
                  </button>
                ) : (
                  <span class="faint">{last?.truncated ?? 'These are all.'}</span>
                )}
              </p>
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

/** The pages after the first; a new question forgets them. */
function useMore(asked: Params, first: Answer<SearchRow> | undefined) {
  const [known, setKnown] = useState<{ of: typeof first; pages: Answer<SearchRow>[] }>({ of: first, pages: [] });
  const [state, setState] = useState<{ loading: boolean; problem?: Problem }>({ loading: false });
  const pages = known.of === first ? known.pages : [];
  const last = pages.at(-1) ?? first;
  const next = last?.next ?? null;
  const load = async () => {
    setState({ loading: true });
    try {
      const page = await ask('search', { ...asked, after: next });
      setKnown({ of: first, pages: [...pages, page] });
      setState({ loading: false });
    } catch (error) {
      setState({ loading: false, problem: asProblem(error) });
    }
  };
  return { more: pages.flatMap(({ rows }) => rows), last, load, next, ...state };
}

function columnsFor(rows: SearchRow[]): Column<SearchRow>[] {
  const slowest = Math.max(1e-9, ...rows.map(({ duration_ms }) => duration_ms ?? 0));
  return COLUMNS.map((column) => (column.key === 'duration' ? durationColumn(slowest) : column));
}

/** Beside the figure a bar, so that slow ones are seen without reading. */
function durationColumn(slowest: number): Column<SearchRow> {
  return {
    key: 'duration',
    title: 'Duration',
    end: true,
    cell: ({ duration_ms }) => (
      <span class="duration">
        <span class="duration-bar" aria-hidden="true">
          <span style={{ width: `${(100 * (duration_ms ?? 0)) / slowest}%` }} />
        </span>
        <span class="aligned">{duration(duration_ms)}</span>
      </span>
    ),
  };
}

const COLUMNS: Column<SearchRow>[] = [
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} bare /> },
  {
    key: 'trace',
    title: 'Trace',
    cell: ({ trace_id, root_service, root_operation, services }) => (
      <span class="trace-name">
        <Service name={root_service ?? services[0] ?? null} />
        <a class="clip" href={`/trace/${trace_id}`}>
          {root_operation ?? 'root has not arrived'}
        </a>
      </span>
    ),
  },
  { key: 'duration', title: 'Duration', end: true, cell: ({ duration_ms }) => duration(duration_ms) },
  {
    key: 'spans',
    title: 'Spans',
    end: true,
    cell: ({ span_count, matched_spans }) => (
      <span title={matched_spans === null ? undefined : `${matched_spans} fit the filter`}>{count(span_count)}</span>
    ),
  },
  {
    key: 'errors',
    title: 'Errors',
    end: true,
    cell: ({ error_count }) =>
      error_count > 0 ? (
        <span class="bad">
          <Icon name="cross" size={10} /> {count(error_count)}
        </span>
      ) : (
        <span class="faint">–</span>
      ),
  },
  {
    key: 'services',
    title: 'Services',
    wideOnly: true,
    cell: ({ services }) => (
      <span class="clip dim" title={services.join(', ')}>
        {services.join(', ')}
      </span>
    ),
  },
  {
    key: 'execution',
    title: 'Execution',
    wideOnly: true,
    cell: ({ execution_id }) =>
      execution_id ? <a href={executionHref(String(execution_id))}>{execution_id}</a> : <span class="faint">–</span>,
  },
  { key: 'region', title: 'Region', wideOnly: true, cell: ({ region }) => region ?? <span class="faint">–</span> },
  { key: 'started', title: 'Started', end: true, cell: ({ started_at }) => moment(started_at) },
];
