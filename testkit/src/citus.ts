// Databases on every node of a Citus cluster. A test's database is a copy of a template that was migrated and distributed
// once: the copies of its shards lie in databases of the same name on the workers.
import { distribute, prepareCluster } from '@project-beacon/server/store/citus.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import pg from 'pg';

/** Addresses of a superuser, the coordinator's first. */
export type Nodes = string[];

/** @throws Error where the server is no coordinator, or its workers are not servers of their own. */
export async function nodesOf(adminUrl: string): Promise<Nodes> {
  const workers = await on(adminUrl, async (client) => {
    const { rows } = await client.query(
      `select nodename, nodeport from pg_dist_node where isactive and noderole = 'primary' and groupid <> 0 order by nodeid`,
    );
    return rows.map(({ nodename, nodeport }) => {
      const url = new URL(adminUrl);
      url.hostname = nodename;
      url.port = String(nodeport);
      return url.href;
    });
  });
  if (workers.length === 0)
    throw new Error('The cluster has no worker beside the coordinator, whose clock is the same.');
  return [adminUrl, ...workers];
}

/** An empty database with Citus on every node, in which the nodes know each other. */
export async function clusterDatabase(nodes: Nodes, name: string, owner: string): Promise<void> {
  await everywhere(nodes, `create database ${name} owner ${pg.escapeIdentifier(owner)}`);
  for (const node of nodes) await on(named(node, name), (client) => client.query('create extension citus'));
  const [coordinator, ...workers] = nodes as [string, ...string[]];
  await on(named(coordinator, name), async (client) => {
    const { hostname, port } = new URL(coordinator);
    await client.query('select citus_set_coordinator_host($1, $2)', [hostname, Number(port)]);
    for (const worker of workers) {
      const at = new URL(worker);
      await client.query('select citus_add_node($1, $2)', [at.hostname, Number(at.port)]);
    }
  });
}

/** Migrates and distributes it as its owner, and lets nobody connect any more: it is there to be copied. */
export async function clusterTemplate(nodes: Nodes, name: string, url: string): Promise<void> {
  await on(url, async (client) => {
    const workers = await prepareCluster(client);
    await migrateUp(client, [readSet('beacon', SQL_DIR)]);
    await distribute(client, workers, {});
  });
  await everywhere(nodes, `alter database ${name} allow_connections false`);
}

export async function copyEverywhere(nodes: Nodes, name: string, owner: string, template: string): Promise<void> {
  // Citus' own background worker sits in the template, too.
  await everywhere(nodes, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${template}'`);
  await everywhere(nodes, `create database ${name} owner ${pg.escapeIdentifier(owner)} template ${template}`);
  // As distributing set it for the role in the template.
  await everywhere(nodes, `alter database ${name} set jit = off`);
}

export async function dropEverywhere(nodes: Nodes, name: string): Promise<void> {
  await everywhere(nodes, `drop database if exists ${name} with (force)`);
}

/** Drops every database of a role. */
export async function dropOwned(nodes: Nodes, role: string): Promise<void> {
  for (const node of nodes) {
    const names = await on(node, (client) =>
      client.query('select datname from pg_database where datdba = to_regrole($1)', [role]),
    );
    for (const { datname } of names.rows) await everywhere([node], `drop database ${datname} with (force)`);
  }
}

async function everywhere(nodes: Nodes, sql: string): Promise<void> {
  await Promise.all(
    nodes.map((node) =>
      on(node, async (client) => {
        await client.query('set citus.enable_create_database_propagation = off');
        await client.query(sql);
      }),
    ),
  );
}

async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function named(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
