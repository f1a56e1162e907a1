// Jobs, the newest first, as they progress; and the way to submit another one.
import { useEffect, useState } from 'preact/hooks';
import { NewJob } from '../jobs/new-job.tsx';
import { Progress } from '../jobs/progress.tsx';
import { useKeys } from '../state/keys.ts';
import { useAsk } from '../state/resource.ts';
import type { JobsRow } from '../state/rows.ts';
import { field, readUrl, setUrl } from '../state/url.ts';
import { Status } from '../ui/bits.tsx';
import { ago, count, duration, moment, percent } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

const fields = { new: field.flag(), sort: field.text('') };
const params = { limit: 200 };
const LIVE_MS = 1500;
const IDLE_MS = 10_000;

export default function Jobs() {
  const { new: isNew, sort } = readUrl(fields);
  const [every, setEvery] = useState(IDLE_MS);
  const shown = useAsk('jobs', params, { every });
  const runs = shown.value?.rows.some(isRunning) === true;
  useEffect(() => setEvery(runs ? LIVE_MS : IDLE_MS), [runs]);
  const showForm = (open: boolean) => setUrl(fields, { new: open }, { replace: true });
  useKeys('Jobs', [{ key: 'n', doc: 'new job', run: () => showForm(true) }]);
  return (
    <>
      <div class="page-head">
        <h1>Jobs</h1>
        <p class="lead grow">Each model in each region answers each question.</p>
        <button type="button" class="primary" onClick={() => showForm(true)}>
          New job
        </button>
      </div>
      <Panel title="All jobs" query="jobs" params={params} truncated={shown.value?.truncated} flush>
        <Loaded resource={shown} what="jobs">
          {({ rows, truncated }) =>
            rows.length === 0 ? (
              <Empty title={truncated ? 'No job was submitted in the last seven days.' : 'No job has run yet.'}>
                <p>
                  Submit one here, or send spans with <code>beacon.job_id</code> set.
                </p>
              </Empty>
            ) : (
              <Table
                caption="Jobs"
                columns={COLUMNS}
                rows={rows}
                rowKey={({ job_id }) => job_id}
                sort={sort}
                onSort={(by) => setUrl(fields, { sort: by }, { replace: true })}
              />
            )
          }
        </Loaded>
      </Panel>
      {isNew && shown.value && <NewJob known={shown.value.rows} onClose={() => showForm(false)} />}
    </>
  );
}

function isRunning({ running, executions, finished }: JobsRow): boolean {
  return running > 0 || finished < executions;
}

const COLUMNS: Column<JobsRow>[] = [
  {
    key: 'job',
    title: 'Job',
    cell: ({ job_id }) => (
      <a class="strong" href={`/jobs/${encodeURIComponent(job_id)}`}>
        {job_id}
      </a>
    ),
    sort: ({ job_id }) => (Number.isFinite(Number(job_id)) ? Number(job_id) : job_id),
  },
  { key: 'status', title: 'Status', cell: ({ status }) => <Status status={status} />, sort: ({ status }) => status },
  { key: 'progress', title: 'Executions', cell: (job) => <Progress job={job} /> },
  {
    key: 'failed',
    title: 'Failed',
    end: true,
    cell: ({ failed }) => (failed > 0 ? <span class="bad">{count(failed)}</span> : <span class="faint">0</span>),
    sort: ({ failed }) => failed,
  },
  {
    key: 'coverage',
    title: 'Traced',
    end: true,
    cell: (job) => <Traced job={job} />,
    sort: coverageOf,
  },
  { key: 'p50', title: 'p50', end: true, cell: ({ p50_ms }) => duration(p50_ms), sort: ({ p50_ms }) => p50_ms },
  { key: 'p95', title: 'p95', end: true, cell: ({ p95_ms }) => duration(p95_ms), sort: ({ p95_ms }) => p95_ms },
  { key: 'models', title: 'Models', wideOnly: true, cell: ({ models }) => <Names of={models} /> },
  { key: 'regions', title: 'Regions', wideOnly: true, cell: ({ regions }) => <Names of={regions} /> },
  {
    key: 'questions',
    title: 'Questions',
    end: true,
    wideOnly: true,
    cell: ({ questions }) => count(questions),
    sort: ({ questions }) => questions,
  },
  {
    key: 'created',
    title: 'Submitted',
    end: true,
    cell: ({ created_at }) => <span title={moment(created_at)}>{ago(created_at)}</span>,
    sort: ({ created_at }) => created_at,
  },
];

function Names({ of }: { of: string[] }) {
  return <span class="clip dim">{of.join(', ')}</span>;
}

function Traced({ job }: { job: JobsRow }) {
  const coverage = coverageOf(job);
  const isWhole = coverage === null || coverage >= 100;
  return (
    <span
      class={isWhole ? undefined : 'warn-text'}
      title={`${job.traced} of ${job.executions} executions have a trace`}
    >
      {!isWhole && <Icon name="bang" size={10} />} {percent(coverage)}
    </span>
  );
}

/** Per cent of what ended that has a trace: what still waits cannot have one. */
function coverageOf({ traced, finished }: JobsRow): number | null {
  return finished === 0 ? null : Math.min(100, (100 * traced) / finished);
}
