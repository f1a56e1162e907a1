// Which partitions the statements inside a function read, from what auto_explain says about them.
import pg from 'pg';

/**
 * A line a function: the partitions of trace_spans its plans touched when it ran, the empty default left out.
 *
 * @param adminUrl connection of a superuser: only a superuser may load auto_explain.
 */
export async function plansOf(adminUrl: string, calls: Record<string, string>): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('set search_path = beacon, public');
    await client.query(`load 'auto_explain'`);
    await client.query(`set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
      set auto_explain.log_analyze = on; set auto_explain.log_timing = off; set auto_explain.log_level = notice`);
    const { rows } = await client.query(
      `select count(*)::int as n from pg_inherits where inhparent = 'beacon.trace_spans'::regclass`,
    );
    const lines: string[] = [];
    for (const [name, call] of Object.entries(calls)) {
      const read = new Set<string>();
      const listen = ({ message }: { message?: string | undefined }) => {
        for (const line of (message ?? '').split('\n')) {
          const scan = /on (trace_spans_\d{8}|trace_spans_default)\b/.exec(line)?.[1];
          if (scan && !/never executed/.test(line)) read.add(scan);
        }
      };
      client.on('notice', listen);
      await client.query(`select * from ${call}`);
      client.off('notice', listen);
      const days = [...read].filter((partition) => partition !== 'trace_spans_default').sort();
      lines.push(`${name.padEnd(29)} ${days.length} of ${rows[0].n}: ${days.join(', ')}`);
    }
    return lines;
  } finally {
    await client.end();
  }
}
