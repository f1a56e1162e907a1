import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MigrationError,
  migrateDown,
  migrateUp,
  migrationStatus,
  printMigrations,
} from '@project-beacon/server/store/migrate.ts';
import { type MigrationSet, readSet, readSets, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { testDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { catalogDump } from './catalog-dump.ts';

const sets = readSets();
const own = sets[0] as MigrationSet;
const OWN = own.migrations.map(({ name }) => `beacon/${name}`);

/** The same version with one more function: its views and functions have to be rebuilt. */
function nextVersion(
  sql = 'create function beacon.added() returns integer language plpgsql as $$ begin return 1; end $$;',
) {
  return [{ ...own, rebuilt: [...own.rebuilt, { file: 'functions/added.sql', sql }], rebuiltHash: `next ${sql}` }];
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function searchPath(url: string): Promise<string> {
  const client = await connected(url);
  const { rows } = await client.query('show search_path');
  await client.end();
  return rows[0].search_path;
}

/** Runs `work` beside a new role, which is dropped with all it has. */
async function withRole(adminUrl: string, work: (admin: pg.Client, role: string) => Promise<void>): Promise<void> {
  const admin = await connected(adminUrl);
  const role = `role_${Math.random().toString(36).slice(2)}`;
  await admin.query(`create role ${role} login password 'secret'`);
  try {
    await work(admin, role);
  } finally {
    await admin.query(`drop owned by ${role} cascade`);
    await admin.query(`drop role ${role}`);
    await admin.end();
  }
}

test('a first run applies everything, a second one finds nothing to do', async () => {
  const { client } = await testDatabase(false);
  assert.ok((await migrationStatus(client, sets)).every(({ state }) => state === 'pending'));
  assert.deepEqual(await migrateUp(client, sets), { applied: OWN, rebuilt: true });
  assert.deepEqual(await migrateUp(client, sets), { applied: [], rebuilt: false });
  assert.ok((await migrationStatus(client, sets)).every(({ state }) => state === 'applied'));
});

test('of twenty at once one works and nineteen wait, even where transactions are serializable by default', async () => {
  const { client, url } = await testDatabase(false);
  const { rows } = await client.query('select current_database() as name');
  await client.query(
    `alter role current_user in database ${rows[0].name} set default_transaction_isolation = serializable`,
  );
  const migrators = await Promise.all(Array.from({ length: 20 }, () => connected(url)));
  const results = await Promise.all(migrators.map((migrator) => migrateUp(migrator, sets)));
  await Promise.all(migrators.map((migrator) => migrator.end()));
  assert.equal(results.filter(({ applied }) => applied.length > 0).length, 1);
  assert.equal(results.filter(({ rebuilt }) => rebuilt).length, 1);
});

test('a released migration that was changed is refused and named', async () => {
  const { client } = await testDatabase();
  const changed = own.migrations.map((migration) => ({ ...migration, hash: 'another' }));
  await assert.rejects(migrateUp(client, [{ ...own, migrations: changed }]), (error: MigrationError) => {
    assert.match(error.message, /beacon\/0001_beacon was changed/);
    assert.match(error.hint, /write a new migration/);
    return true;
  });
  const status = await migrationStatus(client, [{ ...own, migrations: changed }]);
  assert.equal(status[0]?.state, 'changed');
});

test('a database of a newer version is refused', async () => {
  const { client } = await testDatabase();
  await client.query(`insert into beacon.schema_migrations values ('beacon', '0009_later', 'hash')`);
  await assert.rejects(migrateUp(client, sets), /does not know: beacon\/0009_later/);
  assert.equal((await migrationStatus(client, sets)).at(-1)?.state, 'unknown');
});

test('the printed script makes the same database as up', async () => {
  const byUp = await testDatabase(false);
  const byPrint = await testDatabase(false);
  await migrateUp(byUp.client, sets);
  await byPrint.client.query(await printMigrations(sets));
  assert.deepEqual(await catalogDump(byPrint.client), await catalogDump(byUp.client));
  const state = 'select name, value from beacon.schema_state order by name';
  assert.deepEqual((await byPrint.client.query(state)).rows, (await byUp.client.query(state)).rows);
  assert.deepEqual(await migrateUp(byPrint.client, sets), { applied: [], rebuilt: false });
});

test('what is printed for a database holds only what it misses', async () => {
  const { client } = await testDatabase();
  const script = await printMigrations(nextVersion(), { searchPath: false }, client);
  assert.doesNotMatch(script, /create table beacon.trace_spans/);
  await client.query(script);
  assert.equal((await client.query('select beacon.added() as one')).rows[0].one, 1);
});

test('down leaves the database as it was, the search_path too', async () => {
  const { client } = await testDatabase(false);
  const { rows } = await client.query('select current_database() as name');
  await client.query('create table users_own (id integer)');
  await client.query(`alter role current_user in database ${rows[0].name} set search_path = "$user", public`);
  const before = await catalogDump(client);
  await migrateUp(client, sets);
  assert.notDeepEqual(await catalogDump(client), before);
  assert.deepEqual(await migrateDown(client, sets), OWN.toReversed());
  assert.deepEqual(await catalogDump(client), before);
  assert.deepEqual(await migrateDown(client, sets), []);
});

test('the search_path of new sessions gains our schema once, unless that was declined', async () => {
  const { client, url } = await testDatabase(false);
  await migrateUp(client, sets, { searchPath: false });
  assert.equal(await searchPath(url), '"$user", public');
  await migrateUp(client, sets);
  assert.equal(await searchPath(url), '"$user", public, beacon');
  await migrateUp(client, sets);
  assert.equal(await searchPath(url), '"$user", public, beacon');
});

test('views and functions are rebuilt while spans are being written, and none is lost', async () => {
  const { client, url } = await testDatabase();
  const writer = await connected(url);
  let written = 0;
  let stopped = false;
  const writing = (async () => {
    while (!stopped) {
      await writer.query(`insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at)
        values (gen_random_uuid(), '\\x0102030405060708', 'a', 'b', 'completed', now())`);
      written += 1;
    }
  })();
  for (let version = 0; version < 5; version += 1) {
    const { rebuilt } = await migrateUp(client, nextVersion(`comment on schema beacon is 'version ${version}';`));
    assert.equal(rebuilt, true);
  }
  stopped = true;
  await writing;
  await writer.end();
  assert.ok(written > 0);
  const { rows } = await client.query('select count(*)::integer as n from beacon.trace_spans');
  assert.equal(rows[0].n, written);
});

test("a user's view on ours stops a rebuild with its name, one on the tables does not", async () => {
  const { client } = await testDatabase();
  await client.query('create view public.on_tables as select service from beacon.trace_spans');
  await migrateUp(client, nextVersion());
  await client.query('create view public.on_views as select * from beacon.trace_waterfall');
  const before = await catalogDump(client);
  await assert.rejects(migrateUp(client, sets), (error: MigrationError) => {
    assert.match(error.message, /view public\.on_views depends on view beacon\.trace_waterfall/);
    assert.match(error.hint, /Nothing was changed/);
    return true;
  });
  assert.deepEqual(await catalogDump(client), before);
});

test('a rebuild keeps grants, and what a user put into our schema', async () => {
  const { client, adminUrl } = await testDatabase();
  await withRole(adminUrl, async (_admin, reader) => {
    await client.query(`grant select on beacon.trace_waterfall to ${reader}`);
    await client.query('revoke execute on function beacon.maintain() from public');
    await client.query('create function beacon.users_own() returns integer language sql as $$ select 1 $$');
    await migrateUp(client, nextVersion());
    await migrateUp(client, sets);
    const { rows } = await client.query(`
      select has_table_privilege('${reader}', 'beacon.trace_waterfall', 'select') as granted,
        has_function_privilege('${reader}', 'beacon.maintain()', 'execute') as revoked_came_back,
        to_regproc('beacon.added') is null as removed, beacon.users_own() as kept`);
    assert.deepEqual(rows[0], { granted: true, revoked_came_back: false, removed: true, kept: 1 });
  });
});

test('a migration whose connection dies in the middle leaves nothing', async () => {
  const { client, url } = await testDatabase(false);
  const before = await catalogDump(client);
  const slow = {
    ...own,
    migrations: own.migrations.map((each) => ({ ...each, up: `${each.up}; select pg_sleep(60);` })),
  };
  const migrator = await connected(url);
  const migrating = migrateUp(migrator, [slow]);
  const failed = assert.rejects(migrating, /terminating connection|Connection terminated/);
  const stop = `select pg_terminate_backend(pid) from pg_stat_activity
    where query = 'select pg_sleep(60)' and datname = current_database()`;
  while ((await client.query(stop)).rows.length === 0);
  await failed;
  assert.deepEqual(await catalogDump(client), before);
});

test('a role that may not create schemas is told so, and works in a schema made for it', async () => {
  const { adminUrl, url } = await testDatabase(false);
  await withRole(adminUrl, async (admin, role) => {
    const plain = await connected(Object.assign(new URL(url), { username: role, password: 'secret' }).href);
    await assert.rejects(migrateUp(plain, sets), (error: MigrationError) => {
      assert.match(error.message, /permission denied for database/);
      assert.match(error.hint, /beacon migrate print/);
      return true;
    });
    await admin.query(`create schema beacon authorization ${role}`);
    const before = await catalogDump(admin);
    await migrateUp(plain, sets);
    assert.match(
      await searchPath(Object.assign(new URL(url), { username: role, password: 'secret' }).href),
      /, beacon$/,
    );
    await migrateDown(plain, sets);
    assert.deepEqual(await catalogDump(admin), before);
    await plain.end();
  });
});

test('business tables migrate beside ours, and down asks for them', async () => {
  const { client } = await testDatabase();
  const runner: MigrationSet = {
    ...readSet('runner', SQL_DIR),
    rebuilt: [],
    migrations: [
      {
        name: '0001_jobs',
        up: 'create schema shop; create table shop.jobs (id bigint);',
        down: 'drop table shop.jobs; drop schema shop;',
        hash: 'h',
      },
    ],
  };
  assert.deepEqual((await migrateUp(client, [own, runner])).applied, ['runner/0001_jobs']);
  await assert.rejects(migrateDown(client, sets), (error: MigrationError) => {
    assert.match(error.message, /runner\/0001_jobs/);
    assert.match(error.hint, /--records/);
    return true;
  });
  assert.deepEqual(await migrateDown(client, [own, runner]), ['runner/0001_jobs', ...OWN.toReversed()]);
  const { rows } = await client.query(
    `select to_regnamespace('shop') is null and to_regnamespace('beacon') is null as gone`,
  );
  assert.equal(rows[0].gone, true);
});

test('a rebuild that waits behind a long query gives up and says what to do', async () => {
  const { client, url } = await testDatabase();
  const reader = await connected(url);
  await reader.query('begin');
  await reader.query('select from beacon.trace_waterfall limit 1');
  // In earnest it tries again for a minute.
  const impatient = { ...own, rebuiltHash: 'next' };
  await assert.rejects(migrateUp(client, [impatient], { patienceMs: 0 }), (error: MigrationError) => {
    assert.match(error.hint, /pg_stat_activity/);
    return true;
  });
  await reader.end();
});
