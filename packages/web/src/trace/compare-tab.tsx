// The trace beside the usual, which other one to compare it with, and that comparison.
import { useAsk } from '../state/resource.ts';
import { Status } from '../ui/bits.tsx';
import { duration, moment, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { plain } from './attempts.tsx';
import { Comparison } from './comparison.tsx';
import { rowOfId } from './model.ts';
import type { Session } from './session.ts';
import { AgainstUsual } from './usual.tsx';

export function CompareTab({ session, executionId }: { session: Session; executionId: string | null }) {
  const trace = session.trace.value!;
  const other = session.other.value;
  if (!other) return <Choose session={session} executionId={executionId} />;
  return (
    <Comparison
      a={other}
      b={trace.traceId}
      names={['the other', 'this trace']}
      onBack={() => (session.other.value = '')}
    />
  );
}

/** A row of `similar`. */
interface Similar {
  execution_id: string;
  trace_id: string;
  similarity: number;
  outcome: string;
  started_at: string;
  duration_ms: number | null;
  difference: string | null;
}

function Choose({ session, executionId }: { session: Session; executionId: string | null }) {
  const trace = session.trace.value!;
  return (
    <div class="view-body">
      <AgainstUsual
        traceId={trace.traceId}
        onSpan={(id) => {
          session.tab.value = 'waterfall';
          session.goTo(rowOfId(trace, id), { panel: true });
        }}
      />
      {executionId !== null && <BySimilarity session={session} executionId={executionId} />}
      <ByOperation session={session} />
    </div>
  );
}

function BySimilarity({ session, executionId }: { session: Session; executionId: string }) {
  const params = { execution_id: executionId, limit: 25 };
  const answer = useAsk('similar', params);
  const columns: Column<Similar>[] = [
    {
      key: 'execution',
      title: 'Execution',
      cell: (row) => choice(session, row.trace_id, `Execution ${row.execution_id}`),
    },
    { key: 'outcome', title: 'Outcome', cell: (row) => <Status status={row.outcome} /> },
    { key: 'similarity', title: 'Alike', end: true, cell: (row) => percent(100 * row.similarity) },
    { key: 'duration', title: 'Duration', end: true, cell: (row) => duration(row.duration_ms) },
    {
      key: 'difference',
      title: 'What differs',
      wideOnly: true,
      cell: (row) => <span class="clip wide">{row.difference ?? ''}</span>,
    },
    { key: 'started', title: 'Started', wideOnly: true, cell: (row) => moment(row.started_at) },
  ];
  return (
    <Panel title="Compare with" query="similar" params={params} truncated={answer.value?.truncated} flush>
      <Loaded resource={answer} what="similar executions">
        {({ rows }) => {
          const found = rows as unknown as Similar[];
          const healthy = found.find((row) => row.outcome === 'completed');
          return (
            <>
              {healthy && (
                <p class="choose-first">
                  <button type="button" class="primary" onClick={() => (session.other.value = plain(healthy.trace_id))}>
                    Compare with a success: execution {healthy.execution_id}
                  </button>
                </p>
              )}
              {found.length === 0 && <p class="choose-first dim">No execution with a similar trace is known.</p>}
              <Table caption="Similar executions" columns={columns} rows={found} rowKey={(row) => row.trace_id} />
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}

/** Completed traces with the same root. */
function ByOperation({ session }: { session: Session }) {
  const trace = session.trace.value!;
  const root = { service: trace.services[trace.service[0]!]!.name, operation: trace.names[trace.name[0]!]! };
  const params = {
    q: `service=${JSON.stringify(root.service)} operation=${JSON.stringify(root.operation)}`,
    status: 'completed',
    from: '7d',
    limit: 10,
  };
  const answer = useAsk('search', params);
  return (
    <Panel title="Successes of the same operation" query="search" params={params} flush>
      <Loaded resource={answer} what="successful traces">
        {({ rows }) => {
          const others = rows.filter((row) => plain(row.trace_id) !== plain(trace.traceId));
          if (others.length === 0)
            return <p class="choose-first dim">None of {root.operation} in the last seven days.</p>;
          return (
            <Table
              caption="Successful traces"
              rows={others}
              rowKey={(row) => row.trace_id}
              columns={[
                {
                  key: 'trace',
                  title: 'Trace',
                  cell: (row) =>
                    choice(
                      session,
                      row.trace_id,
                      row.execution_id ? `Execution ${row.execution_id}` : plain(row.trace_id).slice(0, 12),
                    ),
                },
                { key: 'spans', title: 'Spans', end: true, cell: (row) => row.span_count },
                { key: 'duration', title: 'Duration', end: true, cell: (row) => duration(row.duration_ms) },
                { key: 'started', title: 'Started', cell: (row) => moment(row.started_at) },
              ]}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}

function choice(session: Session, traceId: string, words: string) {
  return (
    <button type="button" class="link" onClick={() => (session.other.value = plain(traceId))}>
      {words}
    </button>
  );
}
