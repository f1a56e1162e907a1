// What an argument of a prompt or a resource may be, while it is being typed.
import type { CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import type pg from 'pg';
import { diagnosisTypes } from '../operations/explain.ts';
import type { Operation, Row } from '../operations/operation.ts';
import { OPERATIONS } from '../operations/registry.ts';
import { runOperation } from '../operations/run.ts';
import { schema } from '../operations/schema.ts';
import { visible } from './untrusted.ts';

/** As many as the protocol lets through. */
const MOST = 100;

interface Source {
  operation: Operation | undefined;
  params: Record<string, unknown>;
  value: (row: Row) => unknown;
}

const named = (name: string) => OPERATIONS.find((operation) => operation.name === name);
const failed: Source = {
  operation: named('search'),
  params: { status: 'failed', limit: 200 },
  value: (row) => row.execution_id,
};

const SOURCES: Record<string, Source> = {
  execution_id: failed,
  good: { ...failed, params: { status: 'completed', limit: 200 } },
  bad: failed,
  service: { operation: named('services'), params: {}, value: (row) => row.service },
  job_id: { operation: named('jobs'), params: {}, value: (row) => row.job_id },
  type: { operation: diagnosisTypes, params: {}, value: (row) => row.type },
  name: { operation: schema, params: {}, value: (row) => row.name },
};

/** Values that begin with what was typed; none for an argument nothing is known of, or when the database is away. */
export async function complete(
  argument: { name: string; value: string },
  pool: pg.Pool,
  signal: AbortSignal,
): Promise<CompleteResult['completion']> {
  const source = Object.hasOwn(SOURCES, argument.name) ? SOURCES[argument.name] : undefined;
  if (!source?.operation) return { values: [], total: 0, hasMore: false };
  const { rows } = await runOperation(pool, source.operation, source.params, { signal }).catch(() => ({ rows: [] }));
  const known = rows.map(source.value).filter((value) => value !== null && value !== undefined);
  const typed = argument.value.toLowerCase();
  const fitting = [...new Set(known.map((value) => visible(String(value))))].filter((value) =>
    value.toLowerCase().startsWith(typed),
  );
  return { values: fitting.slice(0, MOST), total: fitting.length, hasMore: fitting.length > MOST };
}
