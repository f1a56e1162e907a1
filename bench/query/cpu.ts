// Processor time that the server and the connections of its database have used, for figures that others on the machine do not change.
import * as fs from 'node:fs';
import type pg from 'pg';

/** Milliseconds so far of a server and of its connections to the database; undefined where the system does not say. */
export async function cpuOf(server: number, client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`,
  );
  try {
    const threads = fs.readdirSync(`/proc/${server}/task`).map((id) => `/proc/${server}/task/${id}`);
    const all = [...threads, ...rows.map(({ pid }) => `/proc/${pid}`)];
    return all.reduce((sum, path) => sum + ranMs(path), 0);
  } catch {
    return undefined;
  }
}

function ranMs(path: string): number {
  try {
    return Number(fs.readFileSync(`${path}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch (error) {
    // A thread or a connection may have ended since it was listed.
    if (fs.existsSync('/proc/self/schedstat')) return 0;
    throw error;
  }
}
