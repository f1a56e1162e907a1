// What a model may read besides asking: the schema for its SQL, and what a diagnosis can say.
import type { ReadResourceResult, Resource, ResourceTemplateType } from '@modelcontextprotocol/server';
import type pg from 'pg';
import { diagnosisTypes } from '../queries/explain.ts';
import { runQuery } from '../queries/run.ts';
import { schema } from '../queries/schema.ts';
import type { Row } from '../store/values.ts';
import { brief, INNER, whole } from './schema-text.ts';

const MARKDOWN = 'text/markdown';

export const RESOURCES: Resource[] = [
  {
    uri: 'beacon://schema',
    name: 'schema',
    title: 'Database schema',
    description: 'Views, tables, registered business tables and functions that query_sql may use.',
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

export const RESOURCE_TEMPLATES: ResourceTemplateType[] = [
  {
    uriTemplate: 'beacon://schema/{name}',
    name: 'one object of the schema',
    description: 'One view, table or function, with every column and comment: beacon://schema/beacon.trace_spans.',
    mimeType: MARKDOWN,
  },
  {
    uriTemplate: 'beacon://diagnoses/{type}',
    name: 'one diagnosis',
    description: 'One type of root cause: beacon://diagnoses/NETWORK_TIMEOUT.',
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
  const [, kind, name] = /^beacon:\/\/(schema|diagnoses)(?:\/([\w."]+))?$/.exec(uri) ?? [];
  if (kind === undefined) return undefined;
  const query = kind === 'schema' ? schema : diagnosisTypes;
  const params = name === undefined ? {} : kind === 'schema' ? { name } : { type: name };
  const { rows, database, schema: version } = await runQuery(pool, query, params, { signal });
  const wanted = name === undefined || kind !== 'schema' ? rows : rows.filter((row) => isNamed(row, name));
  if (wanted.length === 0) return undefined;
  const from = `Database ${database}, schema ${version}.`;
  const lines =
    kind === 'diagnoses' ? wanted.map(typeLine) : name === undefined ? overview(rows) : wanted.flatMap(whole);
  return { contents: [{ uri, mimeType: MARKDOWN, text: [from, ...lines].join('\n') }] };
}

function isNamed(row: Row, name: string): boolean {
  return row.name === name || row.name === `beacon.${name}`;
}

function typeLine(row: Row): string {
  return `- **${row.type}** (\`${row.function}\`): ${row.meaning}`;
}

const HEADINGS: Record<string, string> = {
  view: 'Views',
  table: 'Tables',
  record: 'Registered business tables',
  function: 'Functions that return rows',
};

/** Every object in a line; of functions those that answer a question with rows, for the rest is what they are made of. */
function overview(rows: Row[]): string[] {
  const told = rows.filter(
    ({ kind, signature, returns }) =>
      kind !== 'function' || (/^(?:TABLE|SETOF)/.test(`${returns}`) && !INNER.test(`${signature} ${returns}`)),
  );
  const kinds = [...new Set(told.map((row) => String(row.kind)))];
  return [
    'Read one object whole at beacon://schema/<name>. Bound started_at whenever you read trace_spans: it is partitioned by it.',
    ...kinds.flatMap((kind) => [
      `\n## ${HEADINGS[kind] ?? kind}\n`,
      ...told.filter((row) => row.kind === kind).map(brief),
    ]),
  ];
}
