// `beacon maintain`: one round of maintenance now, for those who run it from cron instead of `beacon serve`.
import type { Command } from 'commander';
import { archiveStep, maintain } from '../../maintenance/loop.ts';
import { clean } from '../render/terminal.ts';
import { printJson, verb, withDatabase } from '../verb.ts';

export function maintainVerb(): Command {
  return verb(
    'maintain',
    'One round of maintenance now: lost spans, baselines, partitions, retention, one chunk into the archive.',
  ).action(
    withDatabase(async ({ pool, options, print }) => {
      const done = { ...(await maintain(pool)), archive: await archiveStep(pool) };
      if (options.json) printJson({ done });
      else
        for (const [name, value] of Object.entries(done)) {
          print(`${name.replaceAll('_', ' ')}: ${clean(typeof value === 'string' ? value : JSON.stringify(value))}`);
        }
      return 0;
    }),
  );
}
