// What a row of each query holds. Times are ISO 8601 in UTC, ids text, durations milliseconds.
import type { QueryName, RowOf } from '@project-beacon/server/registry.ts';

/** Row type by query. */
export type Rows = { [Name in QueryName]: RowOf<Name> };

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
export type CompareJobsRow = Rows['compare-jobs'];
export type GateRow = Rows['gate'];
export type JobCostsRow = Rows['job-costs'];
export type JobComparisonRow = Rows['job-comparison'];
export type AlertsRow = Rows['alerts'];
export type AlertRulesRow = Rows['alert-rules'];
