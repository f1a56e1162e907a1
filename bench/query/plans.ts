// How PostgreSQL finds what an operation asks for, in the statements inside its functions too, from what auto_explain says.

import { runQuery } from '@project-beacon/server/queries/run.ts';
import { QUERIES } from '@project-beacon/server/registry.ts';
import pg from 'pg';

const SCAN =
  /(Seq Scan on|Index Only Scan using|Index Scan using|Bitmap Index Scan on) (\w+).*?\(actual rows=([\d.]+) loops=(\d+)\)/;

/**
 * Scans that read something, with the rows they gave, the partitions of a day as one.
 *
 * @param adminUrl connection of a superuser: only a superuser may load auto_explain.
 */
export async function shapeOf(adminUrl: string, name: string, params: Record<string, unknown>): Promise<string> {
  const query = QUERIES.find((each) => each.name === name);
  if (!query) throw new Error(`There is no query ${name}.`);
  const pool = new pg.Pool({ connectionString: adminUrl, max: 1 });
  const scans = new Map<string, number>();
  try {
    const client = await pool.connect();
    await client.query(`load 'auto_explain'`);
    await client.query(`set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
      set auto_explain.log_timing = off; set auto_explain.log_level = notice; set search_path = beacon, public`);
    client.on('notice', ({ message }) => {
      for (const line of (message ?? '').split('\n')) {
        const [, how, what = '', rows = '0', loops = '0'] = SCAN.exec(line) ?? [];
        const given = Number(rows) * Number(loops);
        if (!how || given < 1) continue;
        const label = `${how.replace(/ (?:on|using)$/, '')} ${what.replace(/_\d{8}/, '_*')}`;
        scans.set(label, (scans.get(label) ?? 0) + given);
      }
    });
    client.release();
    await runQuery(pool, query, params);
  } finally {
    await pool.end();
  }
  const max = [...scans].sort((a, b) => b[1] - a[1]).slice(0, 4);
  return max.map(([label, rows]) => `${label} (${Math.round(rows).toLocaleString('en')})`).join('; ');
}
