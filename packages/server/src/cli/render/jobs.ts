// Jobs, findings and what a failure hit, as a person reads them.
import type { Row } from '../../store/values.ts';
import { asTable, id, ms, num, percent, type Renderer, state, text, when } from './cells.ts';
import { renderFindings } from './findings.ts';
import { count, number } from './format.ts';
import { outcomeSign, renderJobMatrix } from './job-matrix.ts';
import type { Column } from './table.ts';

const BAR = 12;

/** Finished executions as a bar; those that failed stand last in it. */
const progress: Column<Row> = {
  title: 'progress',
  from: 100,
  text: (row) => {
    const [all, finished, failed] = [Number(row.executions), Number(row.finished), Number(row.failed)];
    const share = (n: number) => (n === 0 ? 0 : Math.max(1, Math.round((BAR * n) / all)));
    const good = Math.max(0, Math.min(BAR, share(finished)) - share(failed));
    return `${'█'.repeat(good)}${'▒'.repeat(share(failed))}`.padEnd(BAR, '·');
  },
  style: (row) => (Number(row.failed) > 0 ? 'red' : 'green'),
};

export const JOBS: Record<string, Renderer> = {
  jobs: {
    lines: asTable(
      [
        { title: ' ', text: (row) => outcomeSign(row).glyph, style: (row) => outcomeSign(row).style },
        id('job_id', 'job'),
        { ...when('created_at', 'created'), from: 50 },
        text('status'),
        progress,
        {
          title: 'finished',
          right: true,
          text: (row) => `${number(row.finished)} of ${number(row.executions)}`,
        },
        { ...num('failed', 'failed'), from: 60, style: (row) => (Number(row.failed) > 0 ? 'red' : undefined) },
        percent('coverage_pct', 'traced'),
        { ...ms('p50_ms', 'p50'), from: 70 },
        { ...ms('p95_ms', 'p95'), from: 80 },
        { ...text('models'), from: 110 },
        { ...text('regions'), from: 110 },
      ],
      'No jobs in this time. `beacon submit-job` makes one; `--from 30d` looks further back.',
    ),
  },
  'job-matrix': { lines: renderJobMatrix, problem: (rows) => rows.some(({ status }) => status === 'failed') },
  findings: { lines: renderFindings, problem: (rows) => rows.length > 0 },
  'blast-radius': {
    lines: asTable(
      [
        state('outcome'),
        when('started_at', 'started'),
        id('execution_id', 'execution'),
        text('job_id', 'job'),
        text('model_id', 'model'),
        text('region'),
        text('outcome'),
        { ...text('cause'), text: (row) => `${row.service} ${row.operation} ${row.error_type ?? ''}`.trim() },
      ],
      'Nothing else was hit by its cause within an hour, or it has no cause.',
    ),
  },
  judge: {
    lines: ([job]) => [
      `Job ${job?.job_id} judges ${count(Number(job?.executions), 'answer')}; scores follow within seconds of each answer: beacon job-scores --job <the judged one>`,
    ],
  },
  'submit-job': {
    lines: ([job]) => [
      `Job ${job?.job_id} with ${count(Number(job?.executions), 'execution')}${job?.replayed ? ', submitted before' : ''}: beacon job-matrix ${job?.job_id}`,
    ],
  },
};
