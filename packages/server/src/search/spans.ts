// The newest spans a filter fits: the plain statement, and the same by chunks where the filter is rare.
import type pg from 'pg';
import {
  ALL_SPANS,
  type Chunk,
  chunksFor,
  groupsOf,
  hasArchived,
  isIndexed,
  type Source,
  sortable,
  spansOf,
} from '../filter/chunk-index.ts';
import { equals } from '../filter/param.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import { executionSql } from '../queries/columns.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import type { Row, SqlCall } from '../store/values.ts';
import { rowsOf } from '../store/values.ts';

/** Among so many of the newest spans a frequent filter is looked for first. */
const NEWEST = 1_000;

export interface SpansParams {
  q?: Term[] | undefined;
  service?: string | undefined;
  status?: string | undefined;
  job_id?: string | undefined;
  execution_id?: string | undefined;
}

const COLUMNS = `s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at,
  s.completed_at, s.duration_ms, ${executionSql('s.execution_id')} as execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message,
  s.created_at as _created_at`;

export function plainSpans(p: SpansParams, scope: Scope): SqlCall {
  return spansSql(p, scope, ALL_SPANS);
}

function spansSql(p: SpansParams, { after, ...scope }: Scope, source: Source, newest?: number): SqlCall {
  const bind = new Bindings();
  // Over all spans there is an index by created_at and none by start, and what comes later never belongs after a page.
  const indexed = byIndex(p);
  const keys = indexed
    ? ['s.started_at', 's.span_id', 's.trace_id']
    : ['s.created_at', 's.started_at', 's.span_id', 's.trace_id'];
  const order = `order by ${keys.map((key) => `${key} desc`).join(', ')}`;
  const place = [
    within('s.started_at', scope, bind),
    ...(after ? [`(${keys.join(', ')}) < (${keyOf(after, indexed, bind)})`] : []),
  ].join(' and ');
  const fits = [
    ...(p.job_id === undefined ? [] : [`s.job_id = ${bind.add(p.job_id, 'text')}`]),
    ...(p.execution_id === undefined ? [] : [filterSql(equals({ execution: p.execution_id }), bind)]),
    ...(p.service === undefined ? [] : [`s.service = ${bind.add(p.service, 'text')}`]),
    ...(p.status === undefined ? [] : [`s.status = ${bind.add(p.status, 'text')}`]),
    filterSql(p.q ?? [], bind),
  ].join(' and ');
  const from = source(bind);
  return {
    text:
      newest === undefined
        ? `
      select ${COLUMNS}
      from ${from} s
      where ${place}
        and ${fits}
      ${order}`
        : `
      select ${COLUMNS}, s._seen
      from (
        select s.*, count(*) over () as _seen
        from (select s.* from ${from} s where ${place} ${order} limit ${bind.add(newest, 'bigint')}) s
      ) s
      where ${fits}
      ${order}`,
    values: bind.values,
  };
}

function byIndex(p: SpansParams): boolean {
  return p.job_id !== undefined || p.execution_id !== undefined;
}

function keyOf([created, started, span, trace]: unknown[], indexed: boolean, bind: Bindings): string {
  return [
    ...(indexed ? [] : [bind.add(created, 'timestamptz')]),
    bind.add(started, 'timestamptz'),
    `decode(${bind.add(span, 'text')}, 'hex')`,
    bind.add(trace, 'uuid'),
  ].join(', ');
}

/** What the parameters ask of a span, as terms. */
export function termsOf({ q = [], service, status, job_id: job, execution_id: execution }: SpansParams): Term[] {
  return [...equals({ service, status, job, execution }), ...q];
}

/** Whether chunks may lead to the spans faster than the plain statement: some are asked for, or an earlier time. */
export function isPart(p: SpansParams, scope: Scope): boolean {
  const terms = termsOf(p);
  return terms.length > 0 || scope.to !== null;
}

interface Found {
  rows: Row[];
  /** What was stored before this was not looked at any more, because the time was up. */
  stoppedAt: string | null;
}

/** Rows of the answer, one more than the limit where there are more. */
export async function newestSpans(
  client: pg.PoolClient,
  p: SpansParams,
  scope: Scope,
  untilMs: number,
): Promise<Found> {
  const max = scope.limit + 1;
  if (scope.to === null && !termsOf(p).some(isIndexed)) {
    const newest = await rowsOf(client, spansSql(p, scope, ALL_SPANS, NEWEST), max);
    const isAll = newest.length > 0 && Number(newest[0]?._seen) < NEWEST && !(await hasArchived(client, scope));
    if (newest.length === max || isAll) return { rows: newest, stoppedAt: null };
  }
  const found = await chunksFor(client, termsOf(p), scope);
  const chunks = found.chunks.filter((chunk) => mayHold(chunk, scope));
  const rows: Row[] = [];
  for (const { group, rest } of groupsOf(chunks)) {
    const left = max - rows.length;
    rows.push(
      ...(await rowsOf(
        client,
        spansSql(p, scope, (bind) => spansOf(group, bind)),
        left,
      )),
    );
    if (rows.length === max) break;
    if (rest[0] && Date.now() > untilMs) return { rows, stoppedAt: rest[0].created_to };
  }
  return { rows, stoppedAt: null };
}

/** Chunks follow each other in the order of the answer, so that a page begins in one of them. */
function mayHold(chunk: Chunk, { after }: Scope): boolean {
  return after === null || sortable(chunk.created_from) <= sortable(after[0]);
}
