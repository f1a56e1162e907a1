// What a database says of itself before anything is planned: applied migrations, what we built, who was granted what.
import type pg from 'pg';

export interface Applied {
  hash: string;
  appliedAt: Date;
}

/** A view, routine or composite type, named so that it can be dropped whatever the search_path is. */
export interface SchemaObject {
  kind: 'view' | 'routine' | 'type';
  identity: string;
}

export interface MigrationState {
  schemaExists: boolean;
  migrated: boolean;
  /** Keyed `set/name`. */
  applied: Map<string, Applied>;
  /** Rows of beacon.schema_state. */
  values: Map<string, string>;
  /** Everything of these kinds in the schema now, ours or not. */
  objects: SchemaObject[];
  /** Statements that give back what was granted on those objects. */
  grants: Array<{ identity: string; sql: string }>;
}

/** A database nothing was done to. */
export const NEW_DATABASE: MigrationState = {
  schemaExists: false,
  migrated: false,
  applied: new Map(),
  values: new Map(),
  objects: [],
  grants: [],
};

/** The one list of what a rebuild drops; also stored after a rebuild, so it must print names fully qualified. */
export const OBJECTS_SQL = `
  select 'view' as kind, format('beacon.%I', relname) as identity, relacl as acl, relowner as owner
  from pg_class where relnamespace = to_regnamespace('beacon') and relkind = 'v'
  union all
  select 'routine', format('beacon.%I(%s)', proname, pg_get_function_identity_arguments(oid)), proacl, proowner
  from pg_proc where pronamespace = to_regnamespace('beacon')
  union all
  select 'type', format('beacon.%I', relname), null, relowner
  from pg_class where relnamespace = to_regnamespace('beacon') and relkind = 'c'`;

/** Reads the state; needs the search_path pinned to pg_catalog, so that argument types print qualified. */
export async function readState(client: pg.ClientBase): Promise<MigrationState> {
  const { rows } = await client.query(`
    select to_regnamespace('beacon') is not null as "schemaExists",
      to_regclass('beacon.schema_migrations') is not null as migrated`);
  const { schemaExists, migrated } = rows[0];
  if (!migrated) return { ...NEW_DATABASE, schemaExists };
  const applied = await client.query(
    'select set_name, name, hash, applied_at from beacon.schema_migrations order by set_name, name',
  );
  const values = await client.query('select name, value from beacon.schema_state');
  const objects = await client.query(`select kind, identity from (${OBJECTS_SQL}) o order by kind, identity`);
  return {
    schemaExists,
    migrated,
    applied: new Map(
      applied.rows.map((row) => [`${row.set_name}/${row.name}`, { hash: row.hash, appliedAt: row.applied_at }]),
    ),
    values: new Map(values.rows.map((row) => [row.name, row.value])),
    objects: objects.rows,
    grants: await readGrants(client),
  };
}

/** A rebuild drops privileges with the objects; the database's users must not have to notice. */
async function readGrants(client: pg.ClientBase): Promise<MigrationState['grants']> {
  const { rows } = await client.query(`
    select identity, 0 as step, format('revoke all on %s from public', target) as sql
    from (select *, kind || ' ' || identity as target from (${OBJECTS_SQL}) o where kind = 'routine' and acl is not null) r
    union all
    select identity, 1, format('grant %s on %s to %s%s', g.privilege_type,
      case kind when 'view' then identity else kind || ' ' || identity end,
      case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
      case when g.is_grantable then ' with grant option' else '' end)
    from (${OBJECTS_SQL}) o, aclexplode(acl) g
    where g.grantee <> owner
    order by identity, step, sql`);
  return rows.map(({ identity, sql }) => ({ identity, sql }));
}
