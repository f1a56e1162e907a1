// Every operation there is, in the order help and documentation list them.
import { diagnose, rootCause, similar } from './diagnosis.ts';
import { compareWithSuccessful, diagnosisTypes, timeoutRootCause, unusualSpans } from './explain.ts';
import type { Operation } from './operation.ts';
import { outline } from './outline.ts';
import { search, spans } from './search.ts';
import { coverage, health, tracers } from './state.ts';
import { compare, criticalPath, waterfall } from './trace.ts';

export const OPERATIONS: readonly Operation[] = [
  search,
  spans,
  waterfall,
  outline,
  diagnose,
  unusualSpans,
  rootCause,
  timeoutRootCause,
  compareWithSuccessful,
  similar,
  compare,
  criticalPath,
  coverage,
  health,
  tracers,
  diagnosisTypes,
];
