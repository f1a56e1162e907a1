// `beacon archive status|undo|export|list|restore`: days of spans in the archive, out of the database, and back.
import { Command } from 'commander';
import { exportDay, listDays, type Manifest, restoreDay } from '../../maintenance/days.ts';
import { BeaconError } from '../../store/errors.ts';
import { bytes, number } from '../render/format.ts';
import { action, type Context, print, printJson, type VerbOptions, verb, withDatabase } from '../verb.ts';

const FOLDER = '--from <folder>';

export function archiveVerb(): Command {
  // Without flags of its own: commander would take the subcommands' for its.
  const group = new Command('archive').description(
    'Days of spans: what the archive holds, and days out of the database as Parquet and back.',
  );
  group.addCommand(verb('status', 'What the archive holds, a day a line. The default.').action(withDatabase(status)), {
    isDefault: true,
  });
  group.addCommand(
    verb('undo', 'Moves spans back into trace_spans, and turns archiving off.')
      .option('--day <date>', 'only those of this UTC day')
      .action(withDatabase(undo)),
  );
  group.addCommand(
    verb('export', 'Writes days as Parquet, one row a span, and reads them back to compare.')
      .requiredOption('--to <folder>', 'where they go, a folder day=YYYY-MM-DD each')
      .option('--day <date>', 'this UTC day (default: all that are in the archive and not exported)')
      .action(withDatabase(exportDays)),
  );
  group.addCommand(
    verb('list', 'Days that were exported into a folder.')
      .requiredOption(FOLDER, 'where they were exported to')
      .action(action(list)),
  );
  group.addCommand(
    verb('restore', 'Stores an exported day again; what is there already is left alone.')
      .requiredOption(FOLDER, 'where it was exported to')
      .requiredOption('--day <date>', 'the UTC day')
      .action(withDatabase(restore)),
  );
  return group;
}

async function status({ pool, options, print }: Context): Promise<number> {
  const { rows } = await pool.query('select * from beacon.archive_days()');
  if (options.json) printJson({ days: rows });
  else if (rows.length === 0) print('The archive is empty.');
  else {
    for (const { day, spans, bytes: now, bytes_before: before, exported_to: to } of rows) {
      const ratio = `${bytes(now)}, ${bytes(before)} before; ${number(Math.round(now / spans))} B a span`;
      print(`${day}  ${number(spans)} spans  ${ratio}${to === null ? '' : `; exported to ${to}`}`);
    }
  }
  return 0;
}

async function undo({ pool, options, print }: Context): Promise<number> {
  const day = dayOf(options);
  await pool.query(
    `insert into beacon.settings (name, value) values ('archive_after_days', 'off') on conflict (name) do update set value = excluded.value`,
  );
  const { rows } = await pool.query(
    'select c.chunk_id from beacon.archive_chunks c where $1::date is null or c.day = $1::date order by c.chunk_id',
    [day],
  );
  let spans = 0;
  // A transaction each: what is back stays back when this is interrupted.
  for (const { chunk_id } of rows) {
    spans += (await pool.query('select beacon.archive_undo($1::integer) as n', [chunk_id])).rows[0].n;
  }
  if (options.json) printJson({ spans, archive_after_days: 'off' });
  else
    print(
      `${number(spans)} spans are in trace_spans again, and archive_after_days is off: nothing is archived until you set it.`,
    );
  return 0;
}

async function exportDays({ pool, options, print }: Context): Promise<number> {
  const day = dayOf(options);
  const client = await pool.connect();
  try {
    const days = day
      ? [day]
      : (
          await client.query('select d.day from beacon.archive_days() d where d.exported_to is null order by 1')
        ).rows.map((row) => row.day as string);
    const done: Manifest[] = [];
    for (const each of days) {
      const manifest = await exportDay(client, String(options.to), each);
      done.push(manifest);
      if (!options.json) print(line(manifest));
    }
    if (options.json) printJson({ days: done.map(summary) });
    else if (done.length === 0) print('No day is in the archive and not exported.');
    return 0;
  } finally {
    client.release();
  }
}

async function list(options: VerbOptions): Promise<number> {
  const days = await listDays(String(options.from));
  if (options.json) printJson({ days: days.map(summary) });
  else if (days.length === 0) print(`${options.from} holds no exported day.`);
  else for (const manifest of days) print(line(manifest));
  return 0;
}

async function restore({ pool, options, print }: Context): Promise<number> {
  const client = await pool.connect();
  try {
    const spans = await restoreDay(client, String(options.from), dayOf(options) as string);
    if (options.json) printJson({ spans });
    else print(`${number(spans)} spans were stored.`);
    return 0;
  } finally {
    client.release();
  }
}

function dayOf({ day }: VerbOptions): string | null {
  if (day === undefined) return null;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(String(day)) && !Number.isNaN(Date.parse(String(day)));
  if (!isDay) throw new BeaconError('usage', `--day must be a date (got "${day}").`, 'Write it as 2026-11-30.');
  return String(day);
}

function summary({ day, spans, exported_at, files }: Manifest) {
  return { day, spans, exported_at, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

function line(manifest: Manifest): string {
  const { day, spans, files, bytes: size } = summary(manifest);
  return `${day}  ${number(spans)} spans  ${files} files  ${bytes(size)}`;
}
