// `beacon import-prices`: what tokens cost, from a file. None is built in: prices change, and a wrong one is worse than none.
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { parseCsv } from '../../queries/csv.ts';
import { BeaconError } from '../../store/errors.ts';
import { type Context, printJson, verb, withDatabase } from '../verb.ts';

const amount = z.coerce.number().min(0);
const day = z.iso.date();
const yesNo = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

const price = z.strictObject({
  model: z.string().min(1),
  provider: z.string().optional(),
  region: z.string().optional(),
  valid_from: day,
  valid_to: day.optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .optional(),
  input: amount,
  output: amount,
  cached: amount.optional(),
  reasoning: amount.optional(),
  request: amount.optional(),
  cached_in_input: yesNo.optional(),
  reasoning_in_output: yesNo.optional(),
});

export function importPricesVerb(): Command {
  return verb(
    'import-prices',
    'Imports prices of models from a CSV or JSON file; examples/prices.csv shows the columns.',
  )
    .argument('<file>')
    .action(withDatabase(importPrices));
}

async function importPrices({ pool, options, print }: Context, file: string): Promise<number> {
  const rows = readPrices(file);
  const { rows: done } = await pool.query('select beacon.import_prices($1, $2) as imported', [
    JSON.stringify(rows),
    file,
  ]);
  if (options.json) printJson(done[0]);
  else print(`Imported ${done[0].imported} prices from ${file}.`);
  return 0;
}

function readPrices(file: string) {
  const wrong = (what: string) =>
    new BeaconError('usage', `${file}: ${what}`, 'examples/prices.csv shows the columns.');
  let given: unknown;
  try {
    const text = fs.readFileSync(file, 'utf8');
    // An empty field is one that is not there.
    given = /^\s*\[/.test(text)
      ? JSON.parse(text)
      : parseCsv(text).map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== '')));
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const { data, error } = z.array(price).min(1).safeParse(given);
  if (data) return data;
  const [first] = error.issues;
  throw wrong(`row ${Number(first?.path[0] ?? 0) + 1}, ${String(first?.path[1] ?? 'columns')}: ${first?.message}`);
}
