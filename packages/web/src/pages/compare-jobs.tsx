// Two jobs: what got worse, with causes, and whether it is more than chance. The same as `beacon gate` and `compare-jobs`.
import { useAsk } from '../state/resource.ts';
import type { CompareJobsRow, GateRow, JobComparisonRow } from '../state/rows.ts';
import { executionHref, field, readUrl, setUrl } from '../state/url.ts';
import { count, duration } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

const fields = {
  a: field.text(),
  b: field.text(),
  max_regressions: field.text(),
  max_p95: field.text(),
  max_cost: field.text(),
  min_score: field.text(),
  sort: field.text(),
};

/** Those of `beacon gate`, by parameter: label and example. */
const LIMITS = [
  ['max_regressions', 'Regressions at most', '0'],
  ['max_p95', 'p95 at most', '+10% or ms'],
  ['max_cost', 'Cost at most', '+5% or amount'],
  ['min_score', 'Score at least', '0.9'],
] as const;

export default function CompareJobs() {
  const { a, b, sort: _, ...limits } = readUrl(fields);
  return (
    <>
      <div class="page-head">
        <h1>Compare jobs</h1>
        <p class="lead grow">what the new one does worse than the old one, and why</p>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget);
          setUrl(fields, Object.fromEntries([...given].map(([name, text]) => [name, String(text).trim()])));
        }}
      >
        <input name="a" aria-label="Old job" placeholder="old job" value={a} required />
        <input name="b" aria-label="New job" placeholder="new job" value={b} required />
        <button type="submit" class="primary">
          Compare
        </button>
        {LIMITS.map(([name, label, example]) => (
          <label key={name} class="row">
            {label}
            <input name={name} size={12} placeholder={example} value={limits[name]} />
          </label>
        ))}
      </form>
      {a && b ? (
        <Compared a={a} b={b} limits={limits} />
      ) : (
        <Empty title="Two jobs are needed">
          <p>Type the ids of an old job and of a new one that asked the same questions.</p>
        </Empty>
      )}
    </>
  );
}

function Compared({ a, b, limits }: { a: string; b: string; limits: Record<string, string> }) {
  const { sort } = readUrl(fields);
  const jobs = { job_a: a, job_b: b };
  const gate = { job_id: b, against: a, ...Object.fromEntries(Object.entries(limits).filter(([, text]) => text)) };
  const checks = useAsk('gate', gate);
  const total = useAsk('job-comparison', jobs);
  const cells = useAsk('compare-jobs', jobs);
  return (
    <>
      <Panel title={`Job ${b} against job ${a}`} query="job-comparison" params={jobs}>
        <Loaded resource={total} what="comparison">
          {({ rows: [row] }) => (row ? <Total row={row} /> : null)}
        </Loaded>
      </Panel>
      <Panel title={verdictOf(checks.value?.rows)} query="gate" params={gate} flush>
        <Loaded resource={checks} what="gate">
          {({ rows }) => <Table caption="Limits" columns={CHECKS} rows={rows} rowKey={({ name }) => name} />}
        </Loaded>
      </Panel>
      <Panel title="Cells that changed" query="compare-jobs" params={jobs} truncated={cells.value?.truncated} flush>
        <Loaded resource={cells} what="cells">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="No cell changed." />
            ) : (
              <Table
                caption="Cells that changed"
                columns={COLUMNS}
                rows={rows}
                rowKey={(row) => `${row.execution_a} ${row.execution_b} ${row.question_id}`}
                sort={sort}
                onSort={(next) => setUrl(fields, { sort: next })}
              />
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}

function Total({ row }: { row: JobComparisonRow }) {
  const causes = Object.entries((row.causes ?? {}) as Record<string, number>);
  return (
    <>
      <p>
        <strong>{row.regressions === 0 ? 'No regressions' : `${count(row.regressions)} regressions`}</strong>:{' '}
        {row.newly_failing} newly failing, {row.missing} missing, {row.score_worse} score worse, of {count(row.cells)}{' '}
        cells.
        {row.unfinished > 0 && ` ${row.unfinished} have not ended or were cancelled.`}
      </p>
      {causes.length > 0 && (
        <p>Causes of what newly fails: {causes.map(([type, n]) => `${type} (${n})`).join(', ')}.</p>
      )}
      <p class="dim">
        {row.answer_changed} answers changed, {row.recovered} recovered, {row.still_failing} still fail.
        {row.score !== null &&
          ` ${row.score}: ${share(row.score_a)} to ${share(row.score_b)} over ${row.scored} cells.`}
        {row.p95_a !== null && ` p95 ${duration(row.p95_a)} to ${duration(row.p95_b)}.`}
        {row.cost_a !== null
          ? ` Cost ${row.cost_a.toPrecision(3)} to ${row.cost_b?.toPrecision(3)}.`
          : ` Cost unknown: ${row.unpriced} cells have no known price.`}
      </p>
      {row.latency_said && <p>{row.latency_said}</p>}
    </>
  );
}

function verdictOf(rows: GateRow[] | undefined): string {
  const kept = rows?.filter(({ ok }) => ok).length;
  return rows ? `Gate ${kept === rows.length ? 'passed' : 'failed'}: ${kept} of ${rows.length} limits kept` : 'Gate';
}

const CHECKS: Column<GateRow>[] = [
  { key: 'ok', title: 'Kept', cell: ({ ok }) => (ok ? 'yes' : <strong class="bad">no</strong>) },
  { key: 'name', title: 'Limit', wrap: true, cell: ({ name, limit }) => `${name}: ${limit}` },
  { key: 'measured', title: 'Measured', wrap: true, cell: ({ measured }) => measured },
];

const share = (value: number | null) => (value === null ? '–' : String(Math.round(value * 1000) / 1000));

const COLUMNS: Column<CompareJobsRow>[] = [
  { key: 'change', title: 'Change', cell: (row) => row.change, sort: (row) => row.change },
  { key: 'model', title: 'Model', cell: (row) => row.model_id, sort: (row) => row.model_id, wideOnly: true },
  { key: 'region', title: 'Region', cell: (row) => row.region, sort: (row) => row.region },
  {
    key: 'question',
    title: 'Question',
    wrap: true,
    cell: (row) => row.question ?? row.question_id,
    sort: (row) => row.question_id,
  },
  {
    key: 'why',
    title: 'Why',
    wrap: true,
    cell: (row) =>
      row.validity_b === 'answered'
        ? row.change.startsWith('score')
          ? `${row.score} ${row.score_a} to ${row.score_b}`
          : `${row.said_a ?? '?'} → ${row.said_b ?? '?'}`
        : [row.validity_b, row.reason].filter(Boolean).join(', '),
  },
  {
    key: 'execution',
    title: 'Execution',
    cell: (row) => (row.execution_b ? <a href={executionHref(row.execution_b)}>{row.execution_b}</a> : '–'),
  },
  {
    key: 'latency',
    title: 'Was, is',
    end: true,
    wideOnly: true,
    cell: (row) => `${duration(row.latency_a)}, ${duration(row.latency_b)}`,
  },
];
