// `beacon forget`: takes back what should never have been stored. Counts first; removes only when told so, and says what it did.
import type { Command } from 'commander';
import type pg from 'pg';
import { z } from 'zod';
import { equals, filterParam } from '../../filter/param.ts';
import type { Term } from '../../filter/parse.ts';
import { Bindings, filterSql } from '../../filter/sql.ts';
import { executionId, traceId } from '../../queries/params.ts';
import { BeaconError } from '../../store/errors.ts';
import { type Context, printJson, type VerbOptions, verb, withDatabase } from '../verb.ts';

/** Traces of one transaction. */
const TOGETHER = 100;

const wanted = z.strictObject({
  trace: traceId.optional(),
  execution: executionId.optional(),
  where: filterParam,
});

interface Receipt {
  /** When it began, and as which role. */
  at: string;
  role: string;
  /** False after a count. */
  removed: boolean;
  spans: number;
  traces: number;
  /** Of these, the ones of which nothing is left. */
  whole_traces: number;
}

export function forgetVerb(): Command {
  return verb(
    'forget',
    'Removes spans for good: those of a trace, of the traces of an execution, or those that a filter matches.',
  )
    .option('--trace <trace id>', 'the spans of this trace')
    .option('--execution <id>', 'the spans of all traces of this execution')
    .option('--where <filter>', 'spans that match, as in user.id=42; the rest of their traces stays')
    .option('--yes', 'removes; without it they are only counted')
    .action(withDatabase(forget));
}

async function forget({ pool, options, print }: Context): Promise<number> {
  const { terms, isWhole } = termsOf(options);
  const client = await pool.connect();
  try {
    const traces = await findTraces(client, terms, isWhole);
    const { rows } = await client.query(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, current_user as role`,
    );
    const receipt: Receipt = {
      ...rows[0],
      removed: options.yes === true,
      spans: 0,
      traces: traces.length,
      whole_traces: 0,
    };
    for (let from = 0; from < traces.length; from += TOGETHER) {
      const some = traces.slice(from, from + TOGETHER);
      const one = await (options.yes ? remove : count)(client, some, isWhole ? [] : terms);
      receipt.spans += one.spans;
      receipt.whole_traces += one.whole;
      if (traces.length > TOGETHER) {
        process.stderr.write(`${Math.min(from + TOGETHER, traces.length)} of ${traces.length} traces\n`);
      }
    }
    if (options.json) printJson(receipt);
    else {
      const what = `${receipt.spans} spans in ${receipt.traces} traces (${receipt.whole_traces} of them whole)`;
      print(
        options.yes
          ? `Removed ${what}, as ${receipt.role}, at ${receipt.at}.`
          : `${what} would be removed. Add --yes to remove them.`,
      );
    }
    return 0;
  } finally {
    client.release();
  }
}

/** What is meant, and whether it is whole traces. */
function termsOf(options: VerbOptions): { terms: Term[]; isWhole: boolean } {
  const given = ['trace', 'execution', 'where'].filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    throw new BeaconError(
      'usage',
      'Say what to forget, in one way.',
      'Give --trace, --execution or --where; --help explains them.',
    );
  }
  const { trace, execution, where = [] } = wanted.parse(Object.fromEntries(given.map((name) => [name, options[name]])));
  if (given[0] === 'where' && where.length === 0) {
    throw new BeaconError(
      'usage',
      'An empty filter would match every span.',
      'Name what they have in common, as in user.id=42.',
    );
  }
  return { terms: [...equals({ trace, execution }), ...where], isWhole: given[0] !== 'where' };
}

async function findTraces(client: pg.PoolClient, terms: Term[], isWhole: boolean): Promise<string[]> {
  const bind = new Bindings();
  const matching = filterSql(terms, bind);
  // An execution is found by its index of traces too: the span that named it may be gone.
  const { rows } = await client.query(
    `select distinct s.trace_id from beacon.trace_spans s where ${matching}`,
    bind.values,
  );
  const found = new Set(rows.map(({ trace_id }) => trace_id as string));
  const execution = isWhole
    ? terms.find((term) => term.kind === 'compare' && 'column' in term.key && term.key.column === 'execution')
    : undefined;
  if (execution?.kind === 'compare') {
    const more = await client.query('select trace_id from beacon.execution_traces($1::text)', [execution.value]);
    for (const { trace_id } of more.rows) found.add(trace_id as string);
  }
  return [...found].sort();
}

interface Done {
  spans: number;
  whole: number;
}

async function count(client: pg.PoolClient, traces: string[], terms: Term[]): Promise<Done> {
  const bind = new Bindings([traces]);
  const { rows } = await client.query(
    `select coalesce(sum(n), 0)::integer as spans, (count(*) filter (where n = spans))::integer as whole
    from (select count(*) filter (where ${filterSql(terms, bind)}) as n, count(*) as spans
      from beacon.trace_spans s where s.trace_id = any ($1::uuid[]) group by s.trace_id) each`,
    bind.values,
  );
  return rows[0] as Done;
}

/** Spans, summaries and the index of executions of these traces, in one transaction; what stays is summed up anew. */
async function remove(client: pg.PoolClient, traces: string[], terms: Term[]): Promise<Done> {
  const bind = new Bindings([traces]);
  await client.query(`begin; set local lock_timeout = '5s'`);
  try {
    await client.query('select from beacon.traces where trace_id = any ($1::uuid[]) order by trace_id for update', [
      traces,
    ]);
    const removed = await client.query(
      `delete from beacon.trace_spans s where s.trace_id = any ($1::uuid[]) and (${filterSql(terms, bind)})`,
      bind.values,
    );
    await client.query('delete from beacon.trace_executions where trace_id = any ($1::uuid[])', [traces]);
    await client.query('delete from beacon.traces where trace_id = any ($1::uuid[])', [traces]);
    // What is left of a trace still tells its answer: it is read from its spans again.
    await client.query('delete from beacon.answers where trace_id = any ($1::uuid[])', [traces]);
    const { rows } = await client.query('select beacon.recount_traces($1::uuid[]) as left', [traces]);
    await client.query('commit');
    return { spans: removed.rowCount ?? 0, whole: traces.length - rows[0].left };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
