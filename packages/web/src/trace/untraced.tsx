// An execution or trace without spans: why that may be, and what to do about it.
import { useState } from 'preact/hooks';
import { ask, type Problem } from '../state/api.ts';
import { asProblem, useAsk } from '../state/resource.ts';
import { Status } from '../ui/bits.tsx';
import { Panel } from '../ui/panel.tsx';
import { Failed, Loaded } from '../ui/states.tsx';
import { Table } from '../ui/table.tsx';
import { Evidence } from './evidence.tsx';
import type { Source } from './load.ts';
import { Advice, type Cause, Summary } from './verdict.tsx';

export function Untraced({ source, problem, retry }: { source: Source; problem: Problem; retry: () => void }) {
  if (problem.status !== 404) return <Failed problem={problem} retry={retry} />;
  return (
    <>
      <h1>{'execution_id' in source ? `Execution ${source.execution_id}` : 'Trace'}</h1>
      {'execution_id' in source ? (
        <Why executionId={source.execution_id} />
      ) : (
        <Panel title="No spans">
          <p class="verdict-summary">There are no spans of trace {source.trace_id}.</p>
          <p class="verdict-do">
            It may be older than what is kept, may not have arrived yet, or may be of another database. {problem.hint}
          </p>
        </Panel>
      )}
      <Doctor />
      <p>
        <button type="button" onClick={retry}>
          Look again
        </button>
      </p>
    </>
  );
}

function Why({ executionId }: { executionId: string }) {
  const params = { execution_id: executionId };
  const causes = useAsk('root-cause', params);
  const cause = causes.value?.rows[0] as unknown as Cause | undefined;
  return (
    <div class="verdict">
      <Panel
        title={<Summary glyph="?" text={cause?.summary ?? `Execution ${executionId} has no span.`} />}
        query="root-cause"
        params={params}
      >
        <Loaded resource={causes} what="why there is no trace">
          {() =>
            cause && (
              <>
                <Advice cause={cause} />
                <Evidence evidence={cause.evidence} said={cause.summary} />
              </>
            )
          }
        </Loaded>
      </Panel>
    </div>
  );
}

type Finding = Record<string, unknown>;

/** Runs the doctor: it follows a span's way hop by hop and says where it ends. */
function Doctor() {
  const [state, setState] = useState<{ running: boolean; rows?: Finding[]; problem?: Problem }>({ running: false });
  const run = async () => {
    setState({ running: true });
    await ask('doctor').then(
      ({ rows }) => setState({ running: false, rows }),
      (error) => setState({ running: false, problem: asProblem(error) }),
    );
  };
  const columns = ['hop', 'state', 'what', 'evidence', 'fix'].map((key) => ({
    key,
    title: key,
    cell: (row: Finding) =>
      key === 'state' ? <Status status={String(row.state)} /> : <span class="wrap">{text(row[key])}</span>,
  }));
  return (
    <Panel
      title="Doctor"
      query="doctor"
      flush={state.rows !== undefined}
      actions={
        <button type="button" class="primary" disabled={state.running} onClick={run}>
          {state.running ? 'Examining …' : 'Run the doctor'}
        </button>
      }
    >
      {state.problem && <Failed problem={state.problem} />}
      {state.rows ? (
        <Table
          caption="What the doctor found"
          columns={columns}
          rows={state.rows}
          rowKey={(row) => JSON.stringify(row)}
        />
      ) : (
        <p class="dim">
          Follows the way a span takes, from the flag in the process to the row in the table, and says where it ends.
        </p>
      )}
    </Panel>
  );
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
