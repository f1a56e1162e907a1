// Takes spans and log records out of every table that tells of them.
import type pg from 'pg';
import { chunksFor, spansOf as spansIn } from '../../filter/chunk-index.ts';
import type { Term } from '../../filter/parse.ts';
import { Bindings, filterSql, logFilterSql } from '../../filter/sql.ts';

/** What is to be forgotten: all of some traces, or the spans and records of them that a filter matches. */
export interface Wanted {
  /** A trace, or an execution with all its traces. */
  trace?: string | undefined;
  execution?: string | undefined;
  where: Term[];
}

export interface Forgotten {
  spans: number;
  logs: number;
  traces: number;
  /** Of these, the ones of which nothing is left. */
  whole_traces: number;
}

/** Traces of one transaction. */
const TOGETHER = 100;

interface RemovedSpan {
  service: string;
  operation: string;
  kind: string;
  resource_id: string | null;
}

/**
 * Counts, or removes in transactions of 100 traces each.
 *
 * @param onProgress With how many of how many traces are done, where there are several transactions.
 */
export async function forget(
  client: pg.ClientBase,
  wanted: Wanted,
  remove: boolean,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Forgotten> {
  const traces = await findTraces(client, wanted);
  const sum: Forgotten = { spans: 0, logs: 0, traces: traces.length, whole_traces: 0 };
  const left = new Leftovers();
  for (let from = 0; from < traces.length; from += TOGETHER) {
    const some = traces.slice(from, from + TOGETHER);
    const one = remove ? await removeFrom(client, some, wanted, left) : await countIn(client, some, wanted);
    sum.spans += one.spans;
    sum.logs += one.logs;
    sum.whole_traces += one.whole_traces;
    if (traces.length > TOGETHER) onProgress(Math.min(from + TOGETHER, traces.length), traces.length);
  }
  if (remove && wanted.execution !== undefined) {
    // What was answered and scored where nothing was traced.
    for (const table of ['answers', 'scores']) {
      const key = [wanted.execution];
      await client.query(`delete from beacon.${table} where execution_id = beacon.execution_number($1)`, key);
      await client.query(`delete from beacon.${table} where execution_key = beacon.execution_key($1)`, key);
    }
  }
  if (remove && traces.length > 0) await left.remove(client);
  return sum;
}

function isWhole({ trace, execution }: Wanted): boolean {
  return trace !== undefined || execution !== undefined;
}

async function findTraces(client: pg.ClientBase, { trace, execution, where }: Wanted): Promise<string[]> {
  if (trace !== undefined) {
    const { rows } = await client.query(
      `select trace_id::text as id from beacon.traces where trace_id = $1::uuid
       union select trace_id::text from beacon.spans_of(array[$1::uuid])
       union select trace_id::text from beacon.logs_of_traces(array[$1::uuid], '-infinity', 'infinity')`,
      [trace],
    );
    return rows.map(({ id }) => id);
  }
  if (execution !== undefined) {
    const { rows } = await client.query('select trace_id::text as id from beacon.execution_traces($1::text)', [
      execution,
    ]);
    return rows.map(({ id }) => id).sort();
  }
  const spans = new Bindings();
  const stored = await client.query(
    `select distinct s.trace_id::text as id from beacon.trace_spans s where ${filterSql(where, spans)}`,
    spans.values,
  );
  const old = new Bindings();
  const archived = await client.query(
    `select distinct s.trace_id::text as id from ${await archivedFor(client, where, old)} s where ${filterSql(where, old)}`,
    old.values,
  );
  const logs = new Bindings();
  const matching = logFilterSql(where, logs);
  const records = `select distinct l.trace_id::text as id from beacon.trace_logs l where ${matching}`;
  const logged = matching ? (await client.query(records, logs.values)).rows : [];
  return [...new Set([...stored.rows, ...archived.rows, ...logged].map(({ id }) => id as string))].sort();
}

/** Spans of the archive among which all that match are. */
async function archivedFor(client: pg.ClientBase, where: Term[], bind: Bindings): Promise<string> {
  const { chunks } = await chunksFor(client, where, { from: null, to: null });
  return spansIn(
    chunks.filter((chunk) => chunk.archived !== undefined),
    bind,
  );
}

/** Condition on a log record `l` that it goes with the spans: all of a whole trace, those of removed spans, those that match. */
function logsOf(wanted: Wanted, bind: Bindings, spans: () => string): string {
  if (isWhole(wanted)) return 'true';
  const own = logFilterSql(wanted.where, bind);
  return `((l.trace_id, l.span_id) in (${spans()})${own ? ` or ${own}` : ''})`;
}

async function countIn(client: pg.ClientBase, traces: string[], wanted: Wanted): Promise<Omit<Forgotten, 'traces'>> {
  const bind = new Bindings([traces]);
  const matching = filterSql(wanted.where, bind);
  const { rows } = await client.query(
    `select coalesce(sum(n), 0)::integer as spans, (count(*) filter (where n = spans))::integer as whole_traces
    from (select count(*) filter (where ${matching}) as n, count(*) as spans
      from beacon.spans_of($1::uuid[]) s group by s.trace_id) each`,
    bind.values,
  );
  const ofLogs = new Bindings([traces]);
  const spans = isWhole(wanted)
    ? { trace: [], span: [] }
    : await spansOf(client, 'beacon.spans_of($1::uuid[])', traces, wanted);
  const logs = logsOf(wanted, ofLogs, () => keysOf(spans, ofLogs));
  const counted = await client.query(
    `select count(*)::integer as logs from beacon.trace_logs l where l.trace_id = any ($1::uuid[]) and ${logs}`,
    ofLogs.values,
  );
  return { ...rows[0], ...counted.rows[0] };
}

/** Keys of the spans to be removed: what makes them match may lie in records, and those go too. */
async function spansOf(client: pg.ClientBase, source: string, traces: string[], { where }: Wanted) {
  const bind = new Bindings([traces]);
  const { rows } = await client.query(
    `select s.trace_id::text as trace, encode(s.span_id, 'hex') as span, s.started_at::text as at
    from ${source} s where s.trace_id = any ($1::uuid[]) and ${filterSql(where, bind)}`,
    bind.values,
  );
  const column = (name: 'trace' | 'span' | 'at') => rows.map((row) => row[name] as string);
  return { trace: column('trace'), span: column('span'), at: column('at') };
}

function keysOf(spans: { trace: string[]; span: string[] }, bind: Bindings): string {
  const lists = [bind.add(spans.trace, 'text[]'), bind.add(spans.span, 'text[]')];
  return `select u.trace::uuid, decode(u.span, 'hex') from unnest(${lists.join(', ')}) u (trace, span)`;
}

/** Of one transaction; summaries, the index of executions and counts are right when it is committed. */
async function removeFrom(
  client: pg.ClientBase,
  traces: string[],
  wanted: Wanted,
  left: Leftovers,
): Promise<Omit<Forgotten, 'traces'>> {
  await client.query(`begin; set local lock_timeout = '5s'`);
  try {
    const settled = await client.query(
      'select trace_id, baselined_at from beacon.traces where trace_id = any ($1::uuid[]) order by trace_id for update',
      [traces],
    );
    const baselined = new Set(settled.rows.flatMap((row) => (row.baselined_at === null ? [] : [row.trace_id])));
    // A chunk of the archive has spans of other traces too: it comes back whole, and is archived again later.
    await client.query('select beacon.archive_undo(c) from unnest(beacon.archived_in($1::uuid[])) c', [traces]);
    const spans = await spansOf(client, 'beacon.trace_spans', traces, wanted);
    const ofLogs = new Bindings([traces]);
    const logs = await client.query(
      `delete from beacon.trace_logs l where l.trace_id = any ($1::uuid[]) and ${logsOf(wanted, ofLogs, () => keysOf(spans, ofLogs))}
      returning l.resource_id::text`,
      ofLogs.values,
    );
    const removed = await client.query(
      `delete from beacon.trace_spans s
      using unnest($1::uuid[], $2::text[], $3::timestamptz[]) u (trace, span, at)
      where s.trace_id = u.trace and s.span_id = decode(u.span, 'hex') and s.started_at = u.at
      returning s.trace_id, s.service, s.operation, s.kind, s.parent_span_id is null as root, s.status, s.started_at::text,
        s.duration_ms, s.model_id, s.region, s.resource_id::text`,
      [spans.trace, spans.span, spans.at],
    );
    left.add(removed.rows, logs.rows);
    await client.query('select beacon.uncount_spans($1::jsonb)', [
      JSON.stringify(removed.rows.map((row) => ({ ...row, settled: baselined.has(row.trace_id) }))),
    ]);
    const executions = await client.query(
      'delete from beacon.trace_executions where trace_id = any ($1::uuid[]) returning execution_id::text as id, execution_key as key',
      [traces],
    );
    // What is left of a trace still tells its answer: it is read from its spans again.
    // Other attempts of its execution are judged without it.
    await client.query(
      `with gone as (delete from beacon.answers where trace_id = any ($1::uuid[]) returning execution_id, execution_key)
       update beacon.answers a set validity = null
       where coalesce(a.trace_id <> all ($1::uuid[]), true)
         and (a.execution_id in (select execution_id from gone) or a.execution_key in (select execution_key from gone))`,
      [traces],
    );
    const { rows } = await client.query('select beacon.recount_traces($1::uuid[]) as left', [traces]);
    const kept = await client.query(
      'select distinct s.trace_id from beacon.trace_spans s where s.trace_id = any ($1::uuid[])',
      [traces],
    );
    const remaining = new Set(kept.rows.map(({ trace_id }) => trace_id));
    const gone = traces.filter((trace) => !remaining.has(trace));
    for (const table of ['traces', 'long_traces', 'late_traces']) {
      await client.query(`delete from beacon.${table} where trace_id = any ($1::uuid[])`, [gone]);
    }
    await removeAbout(client, gone, executions.rows);
    await client.query('commit');
    return { spans: removed.rowCount ?? 0, logs: logs.rowCount ?? 0, whole_traces: traces.length - rows[0].left };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/** What was said about traces that are gone, and about executions of which no trace is left: scores, alerts. */
async function removeAbout(
  client: pg.ClientBase,
  gone: string[],
  executions: { id: string | null; key: string | null }[],
): Promise<void> {
  await client.query(
    `delete from beacon.scores s where s.trace_id = any ($1::uuid[]) or s.judge_trace = any ($1::uuid[])
      or (s.execution_id = any ($2::bigint[]) or s.execution_key = any ($3::text[]))
        and not exists (select from beacon.trace_executions x
          where x.execution_id = s.execution_id or x.execution_key = s.execution_key)`,
    [gone, executions.map(({ id }) => id), executions.map(({ key }) => key)],
  );
  // The row that an alert shows is of one of its traces; where the failure goes on, another takes its place.
  await client.query(
    `delete from beacon.alerts a using unnest($1::text[]) g (trace)
      where strpos(a.facts::text, g.trace) > 0 or strpos(a.facts::text, replace(g.trace, '-', '')) > 0`,
    [gone],
  );
}

/** Names and resources that the removed spans may have been the last to have. */
class Leftovers {
  readonly #names = new Map<string, Pick<RemovedSpan, 'service' | 'operation' | 'kind'>>();
  readonly #resources = new Set<string>();

  add(spans: RemovedSpan[], logs: { resource_id: string | null }[]): void {
    for (const { service, operation, kind } of spans) {
      this.#names.set(JSON.stringify([service, operation, kind]), { service, operation, kind });
    }
    for (const { resource_id: id } of [...spans, ...logs]) if (id !== null) this.#resources.add(id);
  }

  async remove(client: pg.ClientBase): Promise<void> {
    const names = JSON.stringify([...this.#names.values()]);
    await client.query('select beacon.forget_names($1::jsonb, $2::bigint[])', [names, [...this.#resources]]);
    // The planner keeps samples of what columns hold; who does not own the tables cannot take them anew.
    const { rows } = await client.query(
      `select c.oid::regclass::text as name from pg_class c
      where c.relnamespace = 'beacon'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
    );
    for (const { name } of rows) await client.query(`analyze ${name}`).catch(() => {});
  }
}
