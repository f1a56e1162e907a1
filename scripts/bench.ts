// `npm run bench:<name>` and `node scripts/run.mjs bench <name> [arguments]`: runs bench/<name>.ts under the pinned Node.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const folder = path.join(import.meta.dirname, '../bench');
const [name, ...rest] = process.argv.slice(2);
const known = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => path.basename(file, '.ts'));
if (!name || !known.includes(name)) {
  console.error(`Which benchmark? Known: ${known.join(', ') || 'none yet'}.`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, [path.join(folder, `${name}.ts`), ...rest], { stdio: 'inherit' });
process.exit(status ?? 1);
