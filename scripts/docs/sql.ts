// docs/reference/sql.md and sql/schema.sql, read from a database that was migrated from nothing.
import { throwawayServer } from '@project-beacon/testkit';
import { describeSchema } from '../../packages/server/src/store/catalog.ts';
import { withConnection } from '../../packages/server/src/store/connect.ts';
import { migrateUp } from '../../packages/server/src/store/migrate.ts';
import { readSets } from '../../packages/server/src/store/migrations.ts';
import { renderReference, renderSchemaSql } from '../../packages/server/src/store/render-schema.ts';

/** Documents by path. */
export async function sqlReference(): Promise<Record<string, string>> {
  const server = await throwawayServer();
  try {
    return await withConnection(server.url, { applicationName: 'docs' }, async (client) => {
      await migrateUp(client, readSets());
      const schema = await describeSchema(client);
      return { 'docs/reference/sql.md': renderReference(schema), 'sql/schema.sql': renderSchemaSql(schema) };
    });
  } finally {
    await server.discard();
  }
}
