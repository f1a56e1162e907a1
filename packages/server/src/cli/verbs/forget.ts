// `beacon forget`: takes back what should never have been stored. Counts first; removes only when told so, and says what it did.
import type { Command } from 'commander';
import { z } from 'zod';
import { filterParam } from '../../filter/param.ts';
import { executionId, traceId } from '../../queries/params.ts';
import { BeaconError } from '../../store/errors.ts';
import { type Context, printJson, type VerbOptions, verb, withDatabase } from '../verb.ts';
import { type Forgotten, forget, type Wanted } from './forgetting.ts';

const given = z.strictObject({
  trace: traceId.optional(),
  execution: executionId.optional(),
  where: filterParam,
});

interface Receipt extends Forgotten {
  /** When it began, and as which role. */
  at: string;
  role: string;
  /** False after a count. */
  removed: boolean;
}

export function forgetVerb(): Command {
  return verb(
    'forget',
    'Removes spans and their log records for good: those of a trace, of the traces of an execution, or those that a filter matches.',
  )
    .option('--trace <trace id>', 'the spans and records of this trace')
    .option('--execution <key>', 'the spans and records of all traces of this execution')
    .option('--where <filter>', 'spans and records that match, as in user.id=42; the rest of their traces stays')
    .option('--yes', 'removes; without it they are only counted')
    .action(withDatabase(run));
}

async function run({ pool, options, print }: Context): Promise<number> {
  const wanted = wantedIn(options);
  const client = await pool.connect();
  try {
    const { rows } = await client.query(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, current_user as role`,
    );
    const removed = options.yes === true;
    const done = await forget(client, wanted, removed, (traces, all) =>
      process.stderr.write(`${traces} of ${all} traces\n`),
    );
    const receipt: Receipt = { ...rows[0], removed, ...done };
    if (options.json) printJson(receipt);
    else {
      const { spans, logs, traces, whole_traces: whole } = receipt;
      const what = `${spans} spans and ${logs} log records in ${traces} traces (${whole} of them whole)`;
      print(
        removed
          ? `Removed ${what}, as ${receipt.role}, at ${receipt.at}.`
          : `${what} would be removed. Add --yes to remove them.`,
      );
    }
    return 0;
  } finally {
    client.release();
  }
}

function wantedIn(options: VerbOptions): Wanted {
  const ways = ['trace', 'execution', 'where'].filter((name) => options[name] !== undefined);
  if (ways.length !== 1) {
    throw new BeaconError(
      'usage',
      'Say what to forget, in one way.',
      'Give --trace, --execution or --where; --help explains them.',
    );
  }
  const { trace, execution, where = [] } = given.parse(Object.fromEntries(ways.map((name) => [name, options[name]])));
  if (ways[0] === 'where' && where.length === 0) {
    throw new BeaconError(
      'usage',
      'An empty filter would match every span.',
      'Name what they have in common, as in user.id=42.',
    );
  }
  return { trace, execution, where };
}
