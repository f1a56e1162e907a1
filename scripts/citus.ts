// Every query of the catalogue and the tests of the SQL, on a Citus cluster that is there already: its coordinator's address
// as a superuser is the argument. The cluster needs workers of their own, whose clocks and transactions are others than the
// coordinator's; without CREATE EXTENSION citus in that database nothing starts.
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { SQL_TESTS } from './sql-tests.ts';

const APIS = ['packages/server/test/http/queries.test.ts', 'packages/server/test/compat', 'packages/server/test/live'];

const [url, ...chosen] = process.argv.slice(2).filter((argument) => argument !== '--');
if (!url || !URL.canParse(url)) {
  console.error('Which cluster? npm run test:citus -- postgresql://postgres@coordinator:5432/postgres [tests]');
  process.exit(2);
}
const tests = chosen.length > 0 ? chosen : [...SQL_TESTS, ...APIS];
const { status } = spawnSync(process.execPath, [path.join(import.meta.dirname, 'test.ts'), ...tests], {
  stdio: 'inherit',
  env: { ...process.env, TEST_CITUS_URL: url },
});
process.exit(status ?? 1);
