// What a batch changes in `traces` and `trace_executions`.
import type { SpanFacts } from './encode.ts';
import type { Signatures } from './signature.ts';

/** What happened to a span's row: new, completed after `started`, or completed after it was given up as `lost`. */
export type Change = 'new' | 'was started' | 'was lost';

interface Delta {
  startedAt: string;
  completedAt: string | null;
  /** Latest start or end. */
  activeTo: string;
  executions: { id: string; startedAt: string }[];
  /** Executions whose key is text. */
  keyed: { id: string; startedAt: string }[];
  jobId: string | null;
  rootService: string | null;
  rootOperation: string | null;
  rootStartedAt: string | null;
  rootSpanId: string | null;
  services: string[];
  spans: number;
  errors: number;
  open: number;
}

export class Summaries {
  readonly #traces = new Map<string, Delta>();

  add(facts: SpanFacts, change: Change): void {
    const { status, startedAt, completedAt, service, executionId, executionKey } = facts;
    let delta = this.#traces.get(facts.traceId);
    if (delta === undefined) {
      delta = empty(startedAt);
      this.#traces.set(facts.traceId, delta);
    }
    if (change === 'new') delta.spans++;
    if (status === 'failed' || status === 'timeout' || status === 'lost') delta.errors++;
    if (status === 'started') delta.open++;
    if (change === 'was started') delta.open--;
    if (change === 'was lost') delta.errors--;
    if (startedAt < delta.startedAt) delta.startedAt = startedAt;
    if (completedAt !== null && (delta.completedAt === null || completedAt > delta.completedAt)) {
      delta.completedAt = completedAt;
    }
    const last = completedAt !== null && completedAt > startedAt ? completedAt : startedAt;
    if (last > delta.activeTo) delta.activeTo = last;
    if (!delta.services.includes(service)) delta.services.push(service);
    if (facts.isRoot) takeRoot(delta, startedAt, facts.spanId, service, facts.operation);
    delta.jobId = firstOf(delta.jobId, facts.jobId);
    if (executionId !== null && !delta.executions.some(({ id }) => id === executionId)) {
      delta.executions.push({ id: executionId, startedAt });
    }
    if (executionKey !== null && !delta.keyed.some(({ id }) => id === executionKey)) {
      delta.keyed.push({ id: executionKey, startedAt });
    }
  }

  copy(): Summaries {
    const made = new Summaries();
    made.merge(this);
    return made;
  }

  /** Adds what `other` has; nothing is shared with it afterwards. */
  merge(other: Summaries): void {
    for (const [traceId, from] of other.#traces) {
      const to = this.#traces.get(traceId);
      if (to === undefined) {
        this.#traces.set(traceId, {
          ...from,
          executions: [...from.executions],
          keyed: [...from.keyed],
          services: [...from.services],
        });
        continue;
      }
      to.spans += from.spans;
      to.errors += from.errors;
      to.open += from.open;
      if (from.startedAt < to.startedAt) to.startedAt = from.startedAt;
      if (from.completedAt !== null && (to.completedAt === null || from.completedAt > to.completedAt)) {
        to.completedAt = from.completedAt;
      }
      if (from.activeTo > to.activeTo) to.activeTo = from.activeTo;
      for (const service of from.services) if (!to.services.includes(service)) to.services.push(service);
      if (from.rootStartedAt !== null) {
        takeRoot(to, from.rootStartedAt, from.rootSpanId!, from.rootService!, from.rootOperation!);
      }
      to.jobId = firstOf(to.jobId, from.jobId);
      for (const execution of from.executions) {
        if (!to.executions.some(({ id }) => id === execution.id)) to.executions.push(execution);
      }
      for (const execution of from.keyed) {
        if (!to.keyed.some(({ id }) => id === execution.id)) to.keyed.push(execution);
      }
    }
  }

  /**
   * Parameters of `UPSERT_TRACES`, or undefined when there is nothing to say.
   *
   * @param signatures Of the spans that were added, by the ids of their traces.
   */
  traces(signatures: Signatures): string[] | undefined {
    if (this.#traces.size === 0) return undefined;
    const columns: string[][] = Array.from({ length: 16 }, () => []);
    for (const [traceId, delta] of this.#traces) {
      columns[0]!.push(traceId);
      columns[1]!.push(delta.startedAt);
      columns[2]!.push(delta.completedAt ?? 'null');
      columns[3]!.push(lowestOf(delta.executions));
      columns[4]!.push(quoted(delta.jobId));
      columns[5]!.push(quoted(delta.rootService));
      columns[6]!.push(quoted(delta.rootOperation));
      columns[7]!.push(quoted(`{${delta.services.map(quoted).join()}}`));
      columns[8]!.push(`${delta.spans}`);
      columns[9]!.push(`${delta.errors}`);
      columns[10]!.push(`${delta.open}`);
      columns[11]!.push(delta.rootStartedAt ?? 'null');
      columns[12]!.push(delta.rootSpanId ?? 'null');
      columns[13]!.push(delta.activeTo);
      columns[14]!.push(quoted(delta.keyed.reduce<string | null>((first, { id }) => firstOf(first, id), null)));
      columns[15]!.push(signatures.text(traceId));
    }
    return columns.map(array);
  }

  /** Parameters of `INSERT_EXECUTIONS`, or undefined when no span had an execution. */
  executions(): string[] | undefined {
    const columns: [string[], string[], string[], string[]] = [[], [], [], []];
    const add = (id: string, key: string, traceId: string, startedAt: string) => {
      columns[0].push(id);
      columns[1].push(traceId);
      columns[2].push(startedAt);
      columns[3].push(key);
    };
    for (const [traceId, { executions, keyed }] of this.#traces) {
      for (const { id, startedAt } of executions) add(id, 'null', traceId, startedAt);
      for (const { id, startedAt } of keyed) add('null', quoted(id), traceId, startedAt);
    }
    return columns[0].length === 0 ? undefined : columns.map(array);
  }
}

// The same root again may have another name by now: that of its end.
const IS_EARLIER_ROOT = `excluded.root_started_at is not null and (t.root_operation is null
    or (excluded.root_started_at, excluded.root_span_id)
      <= (coalesce(t.root_started_at, t.started_at), coalesce(t.root_span_id, excluded.root_span_id)))`;

// In the order of their keys: two writers that share traces would otherwise wait for each other in a circle.
// Whatever the order in which spans arrive, the row becomes what `recount_traces` makes of them.
// What takes longer than a minute is written down a second time: a question about the last hour finds it, however long ago
// it began, and an index of all ends would cost every trace.
export const UPSERT_TRACES = `
with d as (
  select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::integer[], $10::integer[], $11::integer[], $12::timestamptz[], $13::text[], $14::timestamptz[], $15::text[],
    $16::bit(512)[])
    as d (trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
      services, span_count, error_count, open_count, root_started_at, root_span_id, active_to, execution_key, signature)
), upserted as (
insert into beacon.traces as t (trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
  services, span_count, error_count, open_count, root_started_at, root_span_id, active_to, updated_at, execution_key, signature)
select trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
  services::text[], span_count, error_count, open_count, root_started_at,
  decode(root_span_id, 'hex'), active_to, now(), execution_key, signature
from d
order by trace_id
on conflict (trace_id) do update set
  started_at = least(t.started_at, excluded.started_at),
  completed_at = greatest(t.completed_at, excluded.completed_at),
  execution_id = least(t.execution_id, excluded.execution_id),
  execution_key = least(t.execution_key collate "C", excluded.execution_key collate "C"),
  job_id = least(t.job_id collate "C", excluded.job_id collate "C"),
  root_service = case when ${IS_EARLIER_ROOT} then excluded.root_service else t.root_service end,
  root_operation = case when ${IS_EARLIER_ROOT} then excluded.root_operation else t.root_operation end,
  root_started_at = case when ${IS_EARLIER_ROOT} then excluded.root_started_at else t.root_started_at end,
  root_span_id = case when ${IS_EARLIER_ROOT} then excluded.root_span_id else t.root_span_id end,
  services = case when t.services @> excluded.services then t.services else t.services || excluded.services end,
  span_count = t.span_count + excluded.span_count,
  error_count = t.error_count + excluded.error_count,
  open_count = t.open_count + excluded.open_count,
  active_to = greatest(t.active_to, excluded.active_to),
  updated_at = excluded.updated_at,
  signature = t.signature | excluded.signature
returning t.trace_id, t.started_at, t.active_to, t.baselined_at
), late as (
  insert into beacon.late_traces (trace_id)
  select u.trace_id from upserted u where u.baselined_at is not null order by u.trace_id
  on conflict (trace_id) do nothing
)
insert into beacon.long_traces as l (trace_id, started_at, active_to)
select u.trace_id, u.started_at, u.active_to
from upserted u
where u.active_to - u.started_at > interval '1 minute'
order by u.trace_id
on conflict (trace_id) do update set started_at = excluded.started_at, active_to = excluded.active_to`;

export const INSERT_EXECUTIONS = `
insert into beacon.trace_executions (execution_id, execution_key, trace_id, started_at)
select execution_id, execution_key, trace_id, started_at
from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[]) as e (execution_id, trace_id, started_at, execution_key)
order by execution_id, execution_key collate "C", trace_id
on conflict do nothing`;

function empty(startedAt: string): Delta {
  return {
    startedAt,
    completedAt: null,
    activeTo: startedAt,
    executions: [],
    keyed: [],
    jobId: null,
    rootService: null,
    rootOperation: null,
    rootStartedAt: null,
    rootSpanId: null,
    services: [],
    spans: 0,
    errors: 0,
    open: 0,
  };
}

/** Of several roots the one that started first names the trace; of several at once that of the lowest id. */
function takeRoot(delta: Delta, startedAt: string, spanId: string, service: string, operation: string): void {
  const { rootStartedAt } = delta;
  const isLater = rootStartedAt !== null && startedAt > rootStartedAt;
  if (isLater || (startedAt === rootStartedAt && spanId > delta.rootSpanId!)) return;
  delta.rootStartedAt = startedAt;
  delta.rootSpanId = spanId;
  delta.rootService = service;
  delta.rootOperation = operation;
}

function firstOf(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return compare(b, a) < 0 ? b : a;
}

function lowestOf(executions: Delta['executions']): string {
  let lowest = executions[0]?.id ?? 'null';
  for (const { id } of executions) if (BigInt(id) < BigInt(lowest)) lowest = id;
  return lowest;
}

/** As the database compares with the collation "C": bytes, not UTF-16 units. */
function compare(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Text of a PostgreSQL array of elements that are quoted where they need it. */
function array(elements: readonly string[]): string {
  return `{${elements.join()}}`;
}

function quoted(text: string | null): string {
  if (text === null) return 'null';
  return `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`;
}
