// Whole days of spans out of the database as Parquet, and back in.
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type pg from 'pg';
import { BeaconError } from '../store/errors.ts';
import { type Column, decodeRows, encodeRows, hashOf, RESOURCE_COLUMNS, restored, selected } from './parquet.ts';

/** Spans of a file that come from trace_spans; a chunk of the archive is a file. */
const ROWS_OF_A_FILE = 32_768;
const ROWS_OF_A_STATEMENT = 1_000;
const MANIFEST = 'manifest.json';

interface File {
  name: string;
  spans: number;
  bytes: number;
  /** SHA-256 over its rows. */
  hash: string;
}

/** What a folder of a day says of itself; written last, so that a day without one was not finished. */
export interface Manifest {
  day: string;
  spans: number;
  exported_at: string;
  columns: Column[];
  files: File[];
}

/**
 * Writes the spans of a UTC day as they are at one moment, reads the files back, compares their rows, and only then notes
 * that the day is out.
 *
 * @param client In no transaction; one is held while it reads.
 * @param folder Its files go into `day=YYYY-MM-DD` below it, in place of those of an earlier export.
 * @throws BeaconError where what was read back is not what was written.
 */
export async function exportDay(client: pg.ClientBase, folder: string, day: string): Promise<Manifest> {
  const target = path.join(folder, `day=${day}`);
  await fs.rm(path.join(target, MANIFEST), { force: true });
  await fs.mkdir(target, { recursive: true });
  await client.query('begin isolation level repeatable read; set local extra_float_digits = 1');
  try {
    const columns = [...(await columnsOf(client)), ...RESOURCE_COLUMNS];
    const files: File[] = [];
    for await (const rows of rowsOf(client, day, columns)) {
      const name = `spans-${String(files.length).padStart(5, '0')}.parquet`;
      files.push(await writeVerified(path.join(target, name), columns, rows));
    }
    const spans = files.reduce((sum, file) => sum + file.spans, 0);
    const { rows } = await client.query<{ at: string }>('select to_json(clock_timestamp()) #>> $1 as at', ['{}']);
    const manifest = { day, spans, exported_at: rows[0]!.at, columns, files };
    for (const name of await fs.readdir(target)) {
      if (name.endsWith('.parquet') && !files.some((file) => file.name === name)) await fs.rm(path.join(target, name));
    }
    await writeWhole(path.join(target, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
    await client.query(
      `insert into beacon.archive_exports (day, target, spans, bytes) values ($1::date, $2::text, $3::bigint, $4::bigint)
      on conflict (day) do update set target = excluded.target, spans = excluded.spans, bytes = excluded.bytes, exported_at = now()`,
      [day, path.resolve(folder), spans, files.reduce((sum, file) => sum + file.bytes, 0)],
    );
    await client.query('commit');
    return manifest;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function columnsOf(client: pg.ClientBase): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
    where a.attrelid = 'beacon.trace_spans'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
  );
  return rows;
}

async function* rowsOf(client: pg.ClientBase, day: string, columns: Column[]): AsyncGenerator<(string | null)[][]> {
  const own = columns.slice(0, -RESOURCE_COLUMNS.length).map(selected);
  const select = `select ${own.join(', ')}, r.attributes::text, r.scope_name, r.scope_version, r.otel::text`;
  const join = 'left join beacon.trace_resources r on r.resource_id = s.resource_id';
  const chunks = await client.query<{ chunk_id: number }>(
    'select c.chunk_id from beacon.archive_chunks c where c.day = $1::date order by c.chunk_id',
    [day],
  );
  for (const { chunk_id } of chunks.rows) {
    const { rows } = await client.query<(string | null)[]>({
      text: `${select} from beacon.archived_alone($1::integer) s ${join}`,
      values: [chunk_id],
      rowMode: 'array',
    });
    if (rows.length > 0) yield rows;
  }
  await client.query(
    `declare spans_of_day no scroll cursor for ${select} from beacon.trace_spans s ${join}
    where s.started_at >= '${day}'::timestamp at time zone 'UTC' and s.started_at < ('${day}'::date + 1)::timestamp at time zone 'UTC'`,
  );
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({
      text: `fetch ${ROWS_OF_A_FILE} from spans_of_day`,
      rowMode: 'array',
    });
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_OF_A_FILE) break;
  }
  await client.query('close spans_of_day');
}

async function writeVerified(file: string, columns: Column[], rows: (string | null)[][]): Promise<File> {
  const { bytes, hash } = encodeRows(columns, rows);
  await writeWhole(file, bytes);
  const back = await decodeRows(columns, await fs.readFile(file));
  if (back.length !== rows.length || hashOf(back) !== hash) {
    throw new BeaconError(
      'internal',
      `${file} does not hold what was written: ${back.length} of ${rows.length} spans, ${hashOf(back) === hash ? 'the same' : 'others'}.`,
      'The day was not marked as exported, and nothing was dropped. Check the disk, and export again.',
    );
  }
  return { name: path.basename(file), spans: rows.length, bytes: bytes.length, hash };
}

/** Under its name it is there whole or not at all. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const part = `${file}.part`;
  const handle = await fs.open(part, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(part, file);
}

/** Days that were exported into a folder, oldest first. */
export async function listDays(folder: string): Promise<Manifest[]> {
  const names = (await fs.readdir(folder)).filter((name) => /^day=\d{4}-\d\d-\d\d$/.test(name)).sort();
  const manifests = await Promise.all(
    names.map(async (name) => {
      const text = await fs.readFile(path.join(folder, name, MANIFEST), 'utf8').catch(() => null);
      return text === null ? [] : [JSON.parse(text) as Manifest];
    }),
  );
  return manifests.flat();
}

/**
 * Stores the spans of an exported day again, those that are not there; a part of it that is there already is left alone, so
 * that it can be repeated after it was interrupted.
 *
 * @param client In no transaction; each file has one of its own.
 * @returns spans that were stored.
 * @throws BeaconError where the day was not exported, or a file does not hold what its manifest says.
 */
export async function restoreDay(client: pg.ClientBase, folder: string, day: string): Promise<number> {
  const manifest = (await listDays(folder)).find((each) => each.day === day);
  if (!manifest) {
    throw new BeaconError(
      'not_found',
      `${folder} holds no finished export of ${day}.`,
      '`beacon archive list --from` says which days it has.',
    );
  }
  await client.query('select beacon.ensure_partition($1::date)', [day]);
  let stored = 0;
  for (const file of manifest.files) {
    const rows = await decodeRows(manifest.columns, await fs.readFile(path.join(folder, `day=${day}`, file.name)));
    if (rows.length !== file.spans || hashOf(rows) !== file.hash) {
      throw new BeaconError(
        'internal',
        `${file.name} of ${day} does not hold what its manifest says.`,
        'Fetch it again from where it is kept; of this file nothing was stored.',
      );
    }
    stored += await restoreRows(client, manifest.columns, rows);
  }
  return stored;
}

async function restoreRows(client: pg.ClientBase, columns: Column[], rows: (string | null)[][]): Promise<number> {
  const known = new Set((await columnsOf(client)).map(({ name }) => name));
  const own = columns.slice(0, -RESOURCE_COLUMNS.length).filter(({ name }) => known.has(name));
  const names = own.map(({ name }) => `"${name.replaceAll('"', '""')}"`).join(', ');
  await client.query('begin');
  try {
    const traces = new Set<string>();
    let stored = 0;
    for (let from = 0; from < rows.length; from += ROWS_OF_A_STATEMENT) {
      const some = JSON.stringify(
        rows
          .slice(from, from + ROWS_OF_A_STATEMENT)
          .map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]]))),
      );
      await client.query(
        `insert into beacon.trace_resources (resource_id, attributes, scope_name, scope_version, otel)
        select distinct on (1) (r ->> 'resource_id')::bigint, (r ->> 'resource_attributes')::jsonb, r ->> 'scope_name', r ->> 'scope_version',
          (r ->> 'resource_otel')::jsonb
        from jsonb_array_elements($1::jsonb) r
        where r ->> 'resource_id' is not null and r ->> 'resource_attributes' is not null
        on conflict (resource_id) do nothing`,
        [some],
      );
      const missing = await client.query<{ r: string }>(
        `with given as materialized (
          select r, (r ->> 'trace_id')::uuid as trace_id, decode(r ->> 'span_id', 'hex') as span_id,
            'epoch'::timestamptz + (r ->> 'started_at')::bigint * interval '1 microsecond' as started_at
          from jsonb_array_elements($1::jsonb) r
        ), archived as materialized (
          select a.trace_id, a.span_id, a.started_at
          from beacon.archived_spans(array(select distinct g.trace_id from given g), (select min(g.started_at) from given g),
            (select max(g.started_at) from given g)) a
        )
        select g.r::text as r from given g
        where (g.trace_id, g.span_id, g.started_at) not in (select a.trace_id, a.span_id, a.started_at from archived a)`,
        [some],
      );
      const inserted = await client.query<{ trace_id: string }>(
        `insert into beacon.trace_spans (${names})
        select ${own.map(restored).join(', ')} from jsonb_array_elements($1::jsonb) g (r)
        on conflict (trace_id, span_id, started_at) do nothing
        returning trace_id`,
        [`[${missing.rows.map(({ r }) => r).join(',')}]`],
      );
      stored += inserted.rows.length;
      for (const { trace_id } of inserted.rows) traces.add(trace_id);
    }
    await client.query('select beacon.recount_traces($1::uuid[])', [[...traces]]);
    await client.query('commit');
    return stored;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
