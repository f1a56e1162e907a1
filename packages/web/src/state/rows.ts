// What a row of each operation holds. Times are ISO 8601 in UTC, ids text, durations milliseconds.
import type { OperationName, RowOf } from '@project-beacon/server/operations/types.ts';

interface AnyRow {
  [column: string]: unknown;
}

type Known = { [Name in OperationName]: RowOf<Name> };

/** Row type by operation: as the server has it, else as it was agreed. */
export type Rows = Known & Omit<Agreed, keyof Known>;

interface Agreed {
  trace: AnyRow;
  span: AnyRow;
  waterfall: AnyRow;
  diagnose: AnyRow;
  'root-cause': AnyRow;
  similar: AnyRow;
  compare: AnyRow;
  'critical-path': AnyRow;
  coverage: AnyRow;
  health: AnyRow;
  tracers: AnyRow;
}

export type JobsRow = Rows['jobs'];
export type JobMatrixRow = Rows['job-matrix'];
export type FindingsRow = Rows['findings'];
export type SearchRow = Rows['search'];
export type SpansRow = Rows['spans'];
export type ServicesRow = Rows['services'];
export type OperationsRow = Rows['operations'];
export type DependenciesRow = Rows['dependencies'];
export type HeatmapRow = Rows['heatmap'];
export type DifferencesRow = Rows['differences'];
export type SeriesRow = Rows['series'];
