// `npm run docs`: the reference, from the things themselves. With --check nothing is written; what is stale fails.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { cliReference } from './docs/cli.ts';
import { configurationReference } from './docs/configuration.ts';
import { dependenciesReference } from './docs/dependencies.ts';
import { diagnosesReference } from './docs/diagnoses.ts';
import { operationPages } from './docs/queries.ts';
import { sqlReference } from './docs/sql.ts';
import { ROOT } from './sources.ts';

const check = process.argv.includes('--check');
const documents: Record<string, string> = {
  'docs/reference/cli.md': cliReference(),
  'docs/reference/configuration.md': configurationReference(),
  'docs/reference/dependencies.md': dependenciesReference(),
  'docs/reference/diagnoses.md': diagnosesReference(),
  ...operationPages(),
  ...(await sqlReference()),
};

const stale = Object.entries(documents).filter(([file, text]) => textOf(file) !== text);
for (const [file, text] of stale) {
  if (!check) {
    fs.mkdirSync(path.dirname(path.join(ROOT, file)), { recursive: true });
    fs.writeFileSync(path.join(ROOT, file), text);
  }
  console.log(`${check ? 'Stale' : 'Written'}: ${file}`);
}
// A page of something that no longer exists.
const left = fs
  .readdirSync(path.join(ROOT, 'docs/reference/queries'), { encoding: 'utf8' })
  .map((name) => `docs/reference/queries/${name}`)
  .filter((file) => !(file in documents));
for (const file of left) {
  if (!check) fs.rmSync(path.join(ROOT, file));
  console.log(`${check ? 'No longer wanted' : 'Removed'}: ${file}`);
}
const wrong = stale.length + left.length;
if (wrong === 0) console.log('Everything is fresh.');
else if (check) console.log('Run `npm run docs` and commit what it writes.');
process.exit(check && wrong > 0 ? 1 : 0);

function textOf(file: string): string | undefined {
  const absolute = path.join(ROOT, file);
  return fs.existsSync(absolute) ? fs.readFileSync(absolute, 'utf8') : undefined;
}
