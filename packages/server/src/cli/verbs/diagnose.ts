// `beacon diagnose`: the root cause and the spans it rests on.
import type { Command } from 'commander';
import { outageCost } from '../../queries/costs.ts';
import { diagnose, rootCause } from '../../queries/diagnosis.ts';
import { runQuery } from '../../queries/run.ts';
import { BeaconError, ERROR_CODES } from '../../store/errors.ts';
import { hasCause, renderCauses, renderDiagnosedSpans } from '../render/diagnosis.ts';
import { wrap } from '../render/terminal.ts';
import { printJson, verb, withReader } from '../verb.ts';
import { paramFlags, paramsFrom, tellLeftOut } from './query-verb.ts';

const DOC = 'Why an execution failed or was slow: the cause, its evidence, what to do, and the spans.';

export function diagnoseVerb(): Command {
  return paramFlags(verb('diagnose', DOC), diagnose).action(
    withReader(async ({ pool, options, terminal, print }, execution = '') => {
      const causes = await runQuery(pool, rootCause, { execution_id: execution });
      const cost = (await runQuery(pool, outageCost, { execution_id: execution })).rows[0];
      const spans = await runQuery(pool, diagnose, paramsFrom(diagnose, options, [execution])).catch((error) => {
        // An execution without a trace has a cause too: why it was not traced.
        if (isNotFound(error) && causes.rows.length > 0) return undefined;
        throw error;
      });
      if (options.json) {
        const { database, schema } = causes;
        const truncated = { causes: causes.truncated, spans: spans?.truncated ?? null };
        printJson({
          execution_id: execution,
          causes: causes.rows,
          cost: cost ?? null,
          spans: spans?.rows ?? [],
          truncated,
          database,
          schema,
        });
      } else {
        for (const line of renderCauses(causes.rows, terminal)) print(line);
        if (cost) for (const line of ['', ...wrap(String(cost.said), terminal.width)]) print(line);
        if (spans) {
          for (const line of ['', ...renderDiagnosedSpans(spans.rows, terminal)]) print(line);
          print(terminal.paint('dim', `See also: beacon waterfall ${execution}, beacon similar ${execution}`));
        }
      }
      tellLeftOut(causes, options.json === true);
      if (!spans) return ERROR_CODES.not_found.exit;
      tellLeftOut(spans, options.json === true);
      return hasCause(causes.rows) ? 1 : 0;
    }),
  );
}

function isNotFound(error: unknown): boolean {
  return error instanceof BeaconError && error.code === 'not_found';
}
