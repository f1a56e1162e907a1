// What a model may read besides asking: the schema for its SQL, and what a diagnosis can say.
import type { ReadResourceResult, Resource, ResourceTemplate } from '@modelcontextprotocol/sdk/types.js';
import type pg from 'pg';
import { diagnosisTypes } from '../operations/explain.ts';
import { runOperation } from '../operations/run.ts';
import { describeSchema, type SchemaDescription } from '../store/catalog.ts';
import { explainDatabaseError } from '../store/errors.ts';

const MARKDOWN = 'text/markdown';

export const RESOURCES: Resource[] = [
  {
    uri: 'beacon://schema',
    name: 'schema',
    title: 'Database schema',
    description: 'Tables and views with their columns, and the functions worth calling, for query_sql.',
    mimeType: MARKDOWN,
  },
  {
    uri: 'beacon://diagnoses',
    name: 'diagnoses',
    title: 'Diagnoses',
    description: 'Every type of root cause: what it means, how it is decided, its blind spot.',
    mimeType: MARKDOWN,
  },
];

export const RESOURCE_TEMPLATES: ResourceTemplate[] = [
  {
    uriTemplate: 'beacon://schema/{name}',
    name: 'schema of one object',
    description: 'One table, view, type or function, with every column and comment.',
    mimeType: MARKDOWN,
  },
  {
    uriTemplate: 'beacon://diagnoses/{type}',
    name: 'one diagnosis',
    description: 'One type of root cause, for example beacon://diagnoses/NETWORK_TIMEOUT.',
    mimeType: MARKDOWN,
  },
];

/**
 * Undefined where there is no such resource.
 *
 * @throws BeaconError when the database fails.
 */
export async function readResource(
  uri: string,
  pool: pg.Pool,
  signal: AbortSignal,
): Promise<ReadResourceResult | undefined> {
  const [, kind, name] = /^beacon:\/\/(schema|diagnoses)(?:\/([\w.-]+))?$/.exec(uri) ?? [];
  if (kind === undefined) return undefined;
  const text = kind === 'schema' ? await schemaText(pool, name) : await diagnosesText(pool, name, signal);
  return text === undefined ? undefined : { contents: [{ uri, mimeType: MARKDOWN, text }] };
}

async function diagnosesText(
  pool: pg.Pool,
  type: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { rows, database, schema } = await runOperation(pool, diagnosisTypes, type ? { type } : {}, { signal });
  if (rows.length === 0) return undefined;
  const types = rows.map((row) => `- **${row.type}** (\`${row.function}\`): ${row.meaning}`);
  return [`# Diagnoses\n\nDatabase ${database}, schema ${schema}.`, ...types].join('\n');
}

async function schemaText(pool: pg.Pool, name: string | undefined): Promise<string | undefined> {
  const schema = await schemaOf(pool);
  if (name !== undefined) return objectText(schema, name.replace(/^beacon\./, ''));
  const columns = (of: Array<{ name: string; type: string }>) =>
    of.map((each) => `${each.name} ${each.type}`).join(', ');
  const relations = [...schema.tables, ...schema.views].map(
    (each) => `- **beacon.${each.name}** (${columns(each.columns)}): ${firstSentence(each.comment)}`,
  );
  const functions = schema.functions
    .filter(({ result, volatility }) => volatility === 'stable' && /^(TABLE|SETOF)/.test(result))
    .map((each) => `- beacon.${each.name}(${each.arguments}): ${firstSentence(each.comment)}`);
  return [
    '# Schema beacon',
    'Read one object wholly at `beacon://schema/<name>`. Always bound `started_at` when reading `trace_spans` (it is partitioned by it), or go by `trace_id`.',
    '## Tables and views',
    relations.join('\n'),
    '## Functions that return rows',
    functions.join('\n'),
  ].join('\n\n');
}

async function schemaOf(pool: pg.Pool): Promise<SchemaDescription> {
  try {
    const client = await pool.connect();
    try {
      return await describeSchema(client);
    } finally {
      client.release();
    }
  } catch (error) {
    throw explainDatabaseError(error, pool.options.connectionString ?? '');
  }
}

function objectText(schema: SchemaDescription, name: string): string | undefined {
  const relations = [...schema.tables, ...schema.views, ...schema.types].filter((each) => each.name === name);
  const functions = schema.functions.filter((each) => each.name === name);
  if (relations.length + functions.length === 0) return undefined;
  return [
    ...relations.map((each) =>
      [
        `# beacon.${each.name}`,
        each.comment ?? '',
        each.columns
          .map((column) => `- ${column.name} ${column.type}${column.comment ? `: ${column.comment}` : ''}`)
          .join('\n'),
      ].join('\n\n'),
    ),
    ...functions.map(
      (each) => `# beacon.${each.name}(${each.arguments})\n\nReturns ${each.result}.\n\n${each.comment ?? ''}`,
    ),
  ].join('\n\n');
}

function firstSentence(comment: string | null): string {
  return comment?.match(/^.*?[.:](?= |$)/)?.[0] ?? comment ?? '';
}
