/** Tests of the SQL and of what writes and reads it: what has to hold on every kind of PostgreSQL. */
export const SQL_TESTS = [
  'packages/writer',
  'packages/server/test/diagnoses',
  'packages/server/test/explain.test.ts',
  'packages/server/test/functions.test.ts',
  'packages/server/test/lifecycle.test.ts',
  'packages/server/test/queries.test.ts',
  'packages/server/test/queries',
  'packages/server/test/filter',
  'packages/server/test/search',
  'packages/server/test/sql-console',
  'packages/server/test/store/migrate.test.ts',
  'packages/server/test/store/schema.test.ts',
  'testkit',
];
