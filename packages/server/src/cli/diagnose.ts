// `beacon diagnose`: the root cause and the spans behind it, from two operations at one moment.
import type { Command } from 'commander';
import { diagnose, rootCause } from '../operations/diagnosis.ts';
import { runOperation } from '../operations/run.ts';
import { renderCauses, renderDiagnosedSpans } from './diagnosis.ts';
import { paramFlags, paramsFrom, tellLeftOut } from './operation-verb.ts';
import { printJson, verb, withDatabase } from './verb.ts';

const DOC = 'Why an execution failed or was slow: the cause, its evidence, what to do, and the spans.';

export function diagnoseVerb(): Command {
  return paramFlags(verb('diagnose', DOC), diagnose).action(
    withDatabase(async ({ pool, options, terminal, print }, execution = '') => {
      const [spans, causes] = await Promise.all([
        runOperation(pool, diagnose, paramsFrom(diagnose, options, [execution])),
        runOperation(pool, rootCause, { execution_id: execution }),
      ]);
      if (options.json) {
        const { database, schema } = spans;
        const leftOut = { causes: causes.leftOut, spans: spans.leftOut };
        printJson({ execution_id: execution, causes: causes.rows, spans: spans.rows, leftOut, database, schema });
      } else {
        const lines = [...renderCauses(causes.rows, terminal), '', ...renderDiagnosedSpans(spans.rows, terminal)];
        for (const line of lines) print(line);
      }
      tellLeftOut(causes, options.json === true);
      tellLeftOut(spans, options.json === true);
      return causes.rows.length > 0 ? 1 : 0;
    }),
  );
}
