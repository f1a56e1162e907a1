// One job: its matrix, live while it runs, and what its failures have in common.
import { useEffect, useState } from 'preact/hooks';
import { JobMatrix } from '../jobs/matrix.tsx';
import { Progress } from '../jobs/progress.tsx';
import { hasEnded, summarise } from '../jobs/summary.ts';
import type { PageProps } from '../routes.ts';
import { useAsk } from '../state/resource.ts';
import type { JobCostsRow, JobMatrixRow } from '../state/rows.ts';
import { field, hrefTo, readUrl, setUrl } from '../state/url.ts';
import { count, duration, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

const SHOW = ['all', 'failed', 'untraced', 'empty'] as const;
const COLOURS = ['result', 'validity', 'agreement'] as const;
const fields = { show: field.oneOf(SHOW, 'all'), colour: field.oneOf(COLOURS, 'result') };
const LIVE_MS = 1000;
const LATE_MS = 4000;

export default function Job({ params: { id = '' } }: PageProps) {
  const { show, colour } = readUrl(fields);
  const params = { job_id: id, limit: 5000 };
  const [every, setEvery] = useState<number>();
  const shown = useAsk('job-matrix', params, { every });
  const rows = shown.value?.rows;
  useEffect(() => setEvery(rows && pauseFor(rows)), [rows]);
  return (
    <>
      <div class="page-head">
        <h1>
          <a href="/jobs" class="crumb">
            Jobs
          </a>{' '}
          / {id}
        </h1>
        <a href={`/jobs/${encodeURIComponent(id)}/answers`}>Answers</a>
        <a href={hrefTo('/compare-jobs', { b: id })}>Compare</a>
        <a href={`/api/v1/job-export?job_id=${encodeURIComponent(id)}&format=csv`} download>
          CSV
        </a>
        <a
          class="grow"
          href={hrefTo('/explore', { q: `job=${/^[\w.-]+$/.test(id) ? id : JSON.stringify(id)}`, from: '30d' })}
        >
          Its traces
        </a>
      </div>
      <Loaded resource={shown} what="the matrix">
        {({ rows, truncated }) =>
          rows.length === 0 ? (
            <Empty title={`Job ${id} has no executions.`}>
              <p>
                <a href="/jobs">All jobs</a>
              </p>
            </Empty>
          ) : (
            <>
              <Facts rows={rows} />
              {rows.every(hasEnded) && <Costs id={id} />}
              <Panel
                title={`${count(rows.length)} executions`}
                query="job-matrix"
                params={params}
                truncated={truncated}
                flush
                actions={
                  <>
                    <Segments
                      label="Colour by"
                      options={COLOURS.map((each) => [each, each] as const)}
                      value={colour}
                      onChange={(value) => setUrl(fields, { colour: value }, { replace: true })}
                    />
                    <Show rows={rows} show={show} />
                  </>
                }
              >
                <JobMatrix colour={colour} rows={rows.map((row) => ({ ...row, faded: !fits(row, show) }))} />
              </Panel>
            </>
          )
        }
      </Loaded>
    </>
  );
}

/** Until the next look: short while it runs, longer while spans may still be on their way, none when all is there. */
function pauseFor(rows: JobMatrixRow[]): number | undefined {
  if (!rows.every(hasEnded)) return LIVE_MS;
  return rows.every(({ traced }) => traced) ? undefined : LATE_MS;
}

function fits(row: JobMatrixRow, show: (typeof SHOW)[number]): boolean {
  if (show === 'failed') return isFailed(row);
  if (show === 'untraced') return !row.traced && hasEnded(row);
  return show === 'empty' ? row.output_empty === true : true;
}

function isFailed({ status }: JobMatrixRow): boolean {
  return status === 'failed';
}

function Show({ rows, show }: { rows: JobMatrixRow[]; show: (typeof SHOW)[number] }) {
  const words = { all: 'all', failed: 'failed', untraced: 'without trace', empty: 'empty answer' };
  const options = SHOW.map((each) => {
    const n = rows.filter((row) => fits(row, each)).length;
    return [
      each,
      <>
        {words[each]} <span class="n">{count(n)}</span>
      </>,
    ] as const;
  });
  return (
    <Segments
      label="Highlight"
      options={options}
      value={show}
      onChange={(value) => setUrl(fields, { show: value }, { replace: true })}
    />
  );
}

function Facts({ rows }: { rows: JobMatrixRow[] }) {
  const facts = summarise(rows);
  return (
    <section class="figures" aria-label="The job in figures">
      <div>
        <dl>
          <dt>Progress</dt>
          <dd>
            <Progress job={facts} wide />
          </dd>
        </dl>
      </div>
      <Fact title="Failed" value={count(facts.failed)} bad={facts.failed > 0} />
      <Fact title="Traced" value={percent(facts.coverage)} />
      <Fact title="Median" value={duration(facts.p50)} />
      <Fact title="p95" value={duration(facts.p95)} />
      <Fact title="Tokens in / out" value={`${count(facts.tokensIn)} / ${count(facts.tokensOut)}`} />
      {facts.verdicts.length > 0 && (
        <div class="verdicts">
          <dl>
            <dt>Why they failed</dt>
            <dd class="row">
              {facts.verdicts.map(({ type, n, href }) => (
                <a key={type} class="tag bad" href={href}>
                  {n} × {type}
                </a>
              ))}
            </dd>
          </dl>
        </div>
      )}
    </section>
  );
}

function Costs({ id }: { id: string }) {
  const params = { job_id: id };
  const costs = useAsk('job-costs', params);
  return (
    <Panel title="What it cost" query="job-costs" params={params} truncated={costs.value?.truncated} flush>
      <Loaded resource={costs} what="costs">
        {({ rows }) => (
          <Table caption="Costs" columns={COSTS} rows={rows} rowKey={(row) => `${row.part} ${row.currency}`} />
        )}
      </Loaded>
    </Panel>
  );
}

const COSTS: Column<JobCostsRow>[] = [
  { key: 'part', title: 'Part', cell: ({ part }) => part },
  { key: 'attempts', title: 'Attempts', end: true, cell: ({ attempts }) => count(attempts) },
  {
    key: 'cost',
    title: 'Known cost',
    end: true,
    cell: ({ cost, currency }) => (cost === null ? 'unknown' : `${currency} ${Number(cost.toPrecision(4))}`),
  },
  { key: 'unknown', title: 'Unpriced', end: true, cell: ({ unknown }) => count(unknown) },
];

function Fact({ title, value, bad = false }: { title: string; value: string; bad?: boolean }) {
  return (
    <dl>
      <dt>{title}</dt>
      <dd class={bad ? 'figure bad' : 'figure'}>{value}</dd>
    </dl>
  );
}
