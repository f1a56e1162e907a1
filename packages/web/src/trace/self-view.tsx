// Where the time went, by operation.
import { useMemo } from 'preact/hooks';
import { readUrl, setUrl } from '../state/url.ts';
import { Service } from '../ui/bits.tsx';
import { count } from '../ui/format.ts';
import { type Column, Table } from '../ui/table.tsx';
import { fields } from './address.ts';
import { type OperationTime, selfTimes } from './self-time.ts';
import type { Session } from './session.ts';
import { durationText } from './words.ts';

export function SelfView({ session }: { session: Session }) {
  const trace = session.trace.value!;
  const rows = useMemo(() => selfTimes(trace), [trace]);
  const all = rows.reduce((sum, row) => sum + row.self, 0);
  const { sort } = readUrl(fields);
  const columns: Column<OperationTime>[] = [
    {
      key: 'operation',
      title: 'Operation',
      sort: (row) => trace.names[row.name]!,
      cell: (row) => (
        <button
          type="button"
          class="link"
          title="Show these spans in the waterfall"
          onClick={() => {
            session.tab.value = 'waterfall';
            session.filter.value = `service=${quoted(trace.services[row.service]!.name)} operation=${quoted(trace.names[row.name]!)}`;
            session.goTo(row.first);
          }}
        >
          <Service name={trace.services[row.service]!.name} />
          <span class="clip">{trace.names[row.name]}</span>
        </button>
      ),
    },
    {
      key: 'self',
      title: 'Own time',
      end: true,
      sort: (row) => row.self,
      cell: (row) => (
        <span class="share">
          <span class="share-bar" aria-hidden="true">
            <span class="share-fill" style={{ width: `${all > 0 ? (100 * row.self) / all : 0}%` }} />
          </span>
          <span class="aligned">{durationText(row.self)}</span>
        </span>
      ),
    },
    {
      key: 'share',
      title: 'Share',
      end: true,
      sort: (row) => row.self,
      cell: (row) => `${all > 0 ? ((100 * row.self) / all).toFixed(1) : 0} %`,
    },
    { key: 'spans', title: 'Spans', end: true, sort: (row) => row.spans, cell: (row) => count(row.spans) },
    {
      key: 'failed',
      title: 'Failed',
      end: true,
      sort: (row) => row.failed,
      cell: (row) => (row.failed > 0 ? <span class="bad">× {count(row.failed)}</span> : <span class="faint">0</span>),
    },
    {
      key: 'mean',
      title: 'Mean',
      end: true,
      wideOnly: true,
      sort: (row) => row.total / row.spans,
      cell: (row) => durationText(row.total / row.spans),
    },
    {
      key: 'longest',
      title: 'Longest',
      end: true,
      wideOnly: true,
      sort: (row) => row.longest,
      cell: (row) => durationText(row.longest),
    },
  ];
  return (
    <div class="view-body">
      <Table
        caption="Own time by operation"
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.service} ${row.name}`}
        sort={sort}
        onSort={(next) => setUrl(fields, { sort: next }, { replace: true })}
      />
    </div>
  );
}

function quoted(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
