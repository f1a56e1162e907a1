import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';

const carts = pgTable('carts', { id: integer().primaryKey(), sku: integer().notNull(), note: text() });
const renamed = pgTable('carts', { id: integer().primaryKey(), coupon: text() });

export function open({ url }) {
  const pool = new pg.Pool({ connectionString: url.right });
  const db = drizzle({ client: pool });
  return {
    handlers: {
      'drizzle-ok': () => db.select().from(carts).where(eq(carts.id, 1)),
      'drizzle-unique': () => db.insert(carts).values({ id: 1, sku: 1 }),
      'drizzle-missing-column': () => db.select().from(renamed),
      'drizzle-wrong-password': () => drizzle(url.wrongPassword).select().from(carts),
      'drizzle-no-such-name': () => drizzle(url.noSuchName).select().from(carts),
    },
    close: () => pool.end(),
  };
}
