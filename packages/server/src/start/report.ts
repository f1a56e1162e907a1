// What the sample showed: results, one failure as a waterfall, its cause, coverage. Verdicts come from the operations.
import { ANSWERS } from '../cli/render/answers.ts';
import { renderCauses } from '../cli/render/diagnosis.ts';
import { duration, signOf } from '../cli/render/format.ts';
import { type Column, table } from '../cli/render/table.ts';
import { renderWaterfall } from '../cli/render/waterfall.ts';
import { answers, jobValidity } from '../queries/answers.ts';
import { rootCause } from '../queries/diagnosis.ts';
import type { Query } from '../queries/query.ts';
import { runQuery } from '../queries/run.ts';
import { coverage } from '../queries/state.ts';
import { waterfall } from '../queries/trace.ts';
import { createPool } from '../store/connect.ts';
import { BeaconError } from '../store/errors.ts';
import type { Row } from '../store/values.ts';
import type { Execution } from './runner-client.ts';
import type { Sample } from './sample.ts';
import type { Screen } from './screen.ts';
import { FAILING_REGION } from './services.ts';

export interface Report {
  job_id: string;
  took_ms: number;
  executions: Execution[];
  /** The failure that is shown, and of its attempts the one the verdict speaks of; null when nothing failed. */
  failure: { execution_id: string; attempts: number; waterfall: Row[]; causes: Row[] } | null;
  /** Row of `trace_coverage` for the job. */
  coverage: Row | null;
  /** Cells by model and region: answered, or why not. */
  validity: Row[];
  /** What the regions answered, the least agreement first. */
  answers: Row[];
}

/**
 * Reads what there is to report.
 *
 * @throws BeaconError when the database fails.
 */
export async function readReport(url: string, { jobId, executions, tookMs }: Sample): Promise<Report> {
  const pool = createPool(url, { applicationName: 'beacon start', max: 2 });
  const rows = async (query: Query, params: Record<string, unknown>): Promise<Row[]> => {
    try {
      return (await runQuery(pool, query, params)).rows;
    } catch (error) {
      if (error instanceof BeaconError && error.code === 'not_found') return [];
      throw error;
    }
  };
  const failed =
    executions.find(({ status, region }) => status === 'failed' && region === FAILING_REGION) ??
    executions.find(({ status }) => status === 'failed');
  const of = { execution_id: failed?.id };
  try {
    const [covered = null] = await rows(coverage, { job_id: jobId });
    const causes = failed ? await rows(rootCause, of) : [];
    return {
      job_id: jobId,
      took_ms: tookMs,
      executions,
      failure: failed
        ? {
            execution_id: failed.id,
            attempts: failed.attempts,
            waterfall: attempt(await rows(waterfall, of), causes[0]?.trace_id),
            causes,
          }
        : null,
      coverage: covered,
      validity: await rows(jobValidity, { job_id: jobId }),
      answers: await rows(answers, { job_id: jobId }),
    };
  } finally {
    await pool.end();
  }
}

/** Of several attempts' traces the one the verdict speaks of, else the first. */
function attempt(rows: Row[], traceId: unknown): Row[] {
  const traces = Map.groupBy(rows, (row) => row.trace_id);
  return traces.get(traceId) ?? [...traces.values()][0] ?? [];
}

export function printReport(report: Report, screen: Screen): void {
  const { terminal } = screen;
  const heading = (text: string) => screen.line(`\n${terminal.paint('bold', text)}`);
  const lines = (all: string[], indent = '') => {
    for (const line of all) screen.line(`${indent}${line}`);
  };
  const count = (status: string) => report.executions.filter((each) => each.status === status).length;

  heading(`Results  ${count('completed')} completed, ${count('failed')} failed, in ${duration(report.took_ms)}`);
  lines(matrix(report.executions, screen));
  const { failure } = report;
  if (failure) {
    const { attempts } = failure;
    heading(`One failure, as the services saw it${attempts > 1 ? ` (one of its ${attempts} attempts)` : ''}`);
    if (failure.waterfall.length > 0) lines(renderWaterfall(failure.waterfall, terminal));
    else lines(['No span of it is there.'], '  ');
    heading('Why it failed');
    lines(renderCauses(failure.causes, terminal));
  }
  heading('Trace coverage');
  lines([coverageLine(report.coverage, screen)]);
  heading(validityLine(report.validity));
  lines(ANSWERS.answers!.lines(report.answers, terminal), '  ');
}

/** Models and questions down, regions across. */
function matrix(executions: Execution[], { terminal }: Screen): string[] {
  const unique = (values: string[]) => [...new Set(values)];
  const rows = unique(executions.map(({ model, question }) => JSON.stringify([model, question]))).map((key) => {
    const [model, question] = JSON.parse(key) as [string, string];
    return { model, question, cells: executions.filter((each) => each.model === model && each.question === question) };
  });
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'model', text: ({ model }) => model },
    { title: 'question', flexible: true, text: ({ question }) => question },
    ...unique(executions.map(({ region }) => region)).map((region) => {
      const cellOf = (row: (typeof rows)[number]) => row.cells.find((cell) => cell.region === region);
      return {
        title: region,
        flexible: true,
        text: (row: (typeof rows)[number]) => cellText(cellOf(row)),
        style: (row: (typeof rows)[number]) => signOf(cellOf(row)?.status).style,
      };
    }),
  ];
  return table(rows, columns, terminal).lines;
}

function cellText(cell: Execution | undefined): string {
  if (!cell) return '';
  const { glyph } = signOf(cell.status);
  return `${glyph} ${cell.answer ?? cell.error_type ?? cell.status}  ${duration(cell.duration_ms)}`;
}

/** What the comparison below rests on: answers only, and what was left out of it. */
function validityLine(rows: Row[]): string {
  const sum = (name: string) => rows.reduce((n, row) => n + Number(row[name]), 0);
  const [cells, answered, failed] = [sum('cells'), sum('answered'), sum('infrastructure')];
  const agree = sum('compared') === 0 ? '' : `, ${sum('agreed')} of ${sum('compared')} say what most regions say`;
  return `Answers  ${answered} of ${cells} cells answered, ${failed} failed in the infrastructure${agree}`;
}

function coverageLine(row: Row | null, { terminal }: Screen): string {
  const traced = Number(row?.traced ?? 0);
  const all = Number(row?.executions ?? 0);
  const isWhole = all > 0 && traced === all;
  const { glyph, style } = signOf(isWhole ? 'ok' : 'fail');
  const text = `${traced} of ${all} executions have a trace (${Number(row?.coverage_pct ?? 0)} %).`;
  const hint = isWhole ? '' : ' `beacon health` says whether the tracers are writing.';
  return `${terminal.paint(style, glyph)} ${text}${hint}`;
}
