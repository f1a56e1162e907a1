import type pg from 'pg';
import type { EncodedResource } from './row.ts';

/** Stores the resources that are not known to be stored; returns the ids of those it stored. */
export async function insertResources(
  client: pg.ClientBase,
  resources: ReadonlyMap<string, EncodedResource>,
  known: ReadonlySet<string> | undefined,
): Promise<string[]> {
  const missing = [...resources.values()].filter(({ id }) => !known?.has(id));
  if (missing.length === 0) return [];
  // In the order of their keys, as all that two writers may both touch.
  missing.sort((a, b) => (a.id < b.id ? -1 : 1));
  const entries = missing.map((row) => ({
    id: row.id,
    name: storable(row.scopeName),
    version: storable(row.scopeVersion),
    attributes: row.attributesJson,
    otel: row.otelJson,
  }));
  await client.query(
    `insert into beacon.trace_resources (resource_id, attributes, scope_name, scope_version, otel)
     select (r ->> 'id')::bigint, (r ->> 'attributes')::jsonb, r ->> 'name', r ->> 'version', (r ->> 'otel')::jsonb
     from jsonb_array_elements($1::jsonb) as r
     on conflict do nothing`,
    [JSON.stringify(entries)],
  );
  return missing.map(({ id }) => id);
}

function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\u0000', '\ufffd').toWellFormed();
}
