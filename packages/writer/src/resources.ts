import type pg from 'pg';
import { encodeJson } from './encode.ts';
import type { EncodedResource, ResourceRow } from './row.ts';

/** Stores the resources that are not known to be stored; returns the ids of those it stored. */
export async function insertResources(
  client: pg.ClientBase,
  resources: ReadonlyMap<string, ResourceRow | EncodedResource>,
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
    ...('attributesJson' in row ? { attributes: row.attributesJson, otel: row.otelJson } : jsonOf(row)),
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

function jsonOf({ attributes, otel }: ResourceRow): { attributes: string; otel: string | null } {
  const repairs = { made: undefined };
  return {
    attributes: encodeJson(attributes, 'resource', repairs),
    otel: otel === null ? null : encodeJson(otel, 'otel', repairs),
  };
}

function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\u0000', '\ufffd').toWellFormed();
}
