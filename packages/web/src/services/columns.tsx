// Columns of the tables about services.
import type { DependenciesRow, OperationsRow, ServicesRow } from '../state/rows.ts';
import { hrefTo } from '../state/url.ts';
import { Service } from '../ui/bits.tsx';
import { ago, count, duration, moment, percent } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import type { Column } from '../ui/table.tsx';

interface Usual {
  errors: number;
  error_pct: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
}

const usual: Column<Usual>[] = [
  {
    key: 'errors',
    title: 'Errors',
    end: true,
    cell: ({ errors, error_pct }) =>
      errors > 0 ? (
        <span class="bad" title={`${count(errors)} failed`}>
          <Icon name="cross" size={10} /> {percent(error_pct)}
        </span>
      ) : (
        <span class="faint">0 %</span>
      ),
    sort: ({ error_pct }) => error_pct,
  },
  { key: 'p50', title: 'p50', end: true, cell: ({ p50_ms }) => duration(p50_ms), sort: ({ p50_ms }) => p50_ms },
  { key: 'p95', title: 'p95', end: true, cell: ({ p95_ms }) => duration(p95_ms), sort: ({ p95_ms }) => p95_ms },
];

export function serviceColumns(hrefOf: (service: string) => string): Column<ServicesRow>[] {
  return [
    {
      key: 'service',
      title: 'Service',
      cell: ({ service }) => (
        <a href={hrefOf(service)}>
          <Service name={service} />
        </a>
      ),
      sort: ({ service }) => service,
    },
    { key: 'spans', title: 'Spans', end: true, cell: ({ spans }) => count(spans), sort: ({ spans }) => spans },
    {
      key: 'traces',
      title: 'Traces',
      end: true,
      wideOnly: true,
      cell: ({ traces }) => count(traces),
      sort: ({ traces }) => traces,
    },
    ...usual,
    {
      key: 'seen',
      title: 'Last seen',
      wideOnly: true,
      end: true,
      cell: ({ last_seen_at }) => <span title={moment(last_seen_at)}>{ago(last_seen_at)}</span>,
      sort: ({ last_seen_at }) => last_seen_at,
    },
  ];
}

export const DEPENDENCY_COLUMNS: Column<DependenciesRow>[] = [
  { key: 'caller', title: 'Caller', cell: ({ caller }) => <Service name={caller} /> },
  { key: 'callee', title: 'Called', cell: ({ callee }) => <Service name={callee} /> },
  { key: 'calls', title: 'Calls', end: true, cell: ({ calls }) => count(calls) },
  ...usual,
];

export const OPERATION_COLUMNS: Column<OperationsRow>[] = [
  {
    key: 'operation',
    title: 'Operation',
    cell: ({ service, operation }) => (
      <a
        class="clip"
        href={hrefTo('/explore', { q: `service=${JSON.stringify(service)} operation=${JSON.stringify(operation)}` })}
      >
        {operation}
      </a>
    ),
  },
  { key: 'kind', title: 'Kind', wideOnly: true, cell: ({ kind }) => <span class="dim">{kind}</span> },
  { key: 'calls', title: 'Calls', end: true, cell: ({ calls }) => count(calls) },
  ...usual,
  { key: 'total', title: 'In all', end: true, cell: ({ total_ms }) => duration(total_ms) },
];
