// Parameters and rows of every operation by its name, as types: what the user interface imports.
import type { z } from 'zod';
import type { attributeKeys, attributeValues } from './attributes.ts';
import type { differences, heatmap, series } from './charts.ts';
import type { diagnose, rootCause, similar } from './diagnosis.ts';
import type { compareWithSuccessful, diagnosisTypes, timeoutRootCause, unusualSpans } from './explain.ts';
import type { outline } from './outline.ts';
import type { search, spans } from './search.ts';
import type { dependencies, operations, services } from './services.ts';
import type { span } from './span.ts';
import type { coverage, health, tracers } from './state.ts';
import type { compare, criticalPath, trace, waterfall } from './trace.ts';

interface ByName {
  search: typeof search;
  spans: typeof spans;
  trace: typeof trace;
  span: typeof span;
  waterfall: typeof waterfall;
  outline: typeof outline;
  diagnose: typeof diagnose;
  'unusual-spans': typeof unusualSpans;
  'root-cause': typeof rootCause;
  'timeout-root-cause': typeof timeoutRootCause;
  'compare-with-successful': typeof compareWithSuccessful;
  similar: typeof similar;
  compare: typeof compare;
  'critical-path': typeof criticalPath;
  services: typeof services;
  operations: typeof operations;
  dependencies: typeof dependencies;
  series: typeof series;
  heatmap: typeof heatmap;
  differences: typeof differences;
  'attribute-keys': typeof attributeKeys;
  'attribute-values': typeof attributeValues;
  coverage: typeof coverage;
  health: typeof health;
  tracers: typeof tracers;
  'diagnosis-types': typeof diagnosisTypes;
}

export type OperationName = keyof ByName;

/** What may be asked: `from`, `to`, `after` and `limit` where the operation knows them. */
export type ParamsOf<Name extends OperationName> = z.input<ByName[Name]['params']> & {
  from?: string;
  to?: string;
  after?: string;
  limit?: number;
};

/** A row of the answer: `type SearchRow = RowOf<'search'>`. */
export type RowOf<Name extends OperationName> = z.output<ByName[Name]['row']>;

export type { Answer } from './run.ts';
