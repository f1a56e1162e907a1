// What an argument of a prompt or a resource may be, while it is being typed.
import type { CompleteResult } from '@modelcontextprotocol/server';
import type pg from 'pg';
import { diagnosisTypes } from '../queries/explain.ts';
import type { Query } from '../queries/query.ts';
import { runQuery } from '../queries/run.ts';
import { schema } from '../queries/schema.ts';
import { QUERIES } from '../registry.ts';
import type { Row } from '../store/values.ts';
import { visible } from './untrusted.ts';

/** As many as the protocol lets through. */
const MAX = 100;

interface Source {
  query: Query | undefined;
  params: Record<string, unknown>;
  value: (row: Row) => unknown;
}

const named = (name: string) => QUERIES.find((query) => query.name === name);
const failed: Source = {
  query: named('search'),
  params: { status: 'failed', limit: 200 },
  value: (row) => row.execution_id,
};

const SOURCES: Record<string, Source> = {
  execution_id: failed,
  good: { ...failed, params: { status: 'completed', limit: 200 } },
  bad: failed,
  service: { query: named('services'), params: {}, value: (row) => row.service },
  job_id: { query: named('jobs'), params: {}, value: (row) => row.job_id },
  type: { query: diagnosisTypes, params: {}, value: (row) => row.type },
  name: { query: schema, params: {}, value: (row) => row.name },
};

/** Values that begin with what was typed; none for an argument nothing is known of, or when the database is away. */
export async function complete(
  argument: { name: string; value: string },
  pool: pg.Pool,
  signal: AbortSignal,
): Promise<CompleteResult['completion']> {
  const source = Object.hasOwn(SOURCES, argument.name) ? SOURCES[argument.name] : undefined;
  if (!source?.query) return { values: [], total: 0, hasMore: false };
  const { rows } = await runQuery(pool, source.query, source.params, { signal }).catch(() => ({ rows: [] }));
  const known = rows.map(source.value).filter((value) => value !== null && value !== undefined);
  const typed = argument.value.toLowerCase();
  const fitting = [...new Set(known.map((value) => visible(String(value))))].filter((value) =>
    value.toLowerCase().startsWith(typed),
  );
  return { values: fitting.slice(0, MAX), total: fitting.length, hasMore: fitting.length > MAX };
}
