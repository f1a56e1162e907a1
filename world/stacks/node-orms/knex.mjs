import knex from 'knex';

export function open({ url }) {
  const to = (connectionString, options = {}) =>
    knex({ client: 'pg', connection: { connectionString }, pool: { min: 0, max: 2 }, ...options });
  const db = to(url.right, { acquireConnectionTimeout: 800 });
  return {
    handlers: {
      'knex-ok': () => db('carts').where({ id: 1 }).select('sku'),
      'knex-unique': () => db('carts').insert({ id: 1, sku: 1 }),
      'knex-missing-table': () => db('invoices').where({ id: 1 }),
      'knex-pool': async () => {
        const taken = await Promise.all([db.transaction(), db.transaction()]);
        await db('carts')
          .count()
          .finally(() => Promise.all(taken.map((each) => each.rollback())));
      },
      'knex-refused': () => to(url.refused)('carts').select('sku'),
      'knex-timeout': () => db.select(db.raw('pg_sleep(3)')).timeout(500),
      'knex-undefined-binding': () => db('carts').where({ id: undefined }).select('sku'),
    },
    close: () => db.destroy(),
  };
}
