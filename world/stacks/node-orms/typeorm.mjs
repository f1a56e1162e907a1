import { DataSource, EntitySchema } from 'typeorm';

const Cart = new EntitySchema({
  name: 'Cart',
  tableName: 'carts',
  columns: { id: { type: Number, primary: true }, sku: { type: Number }, note: { type: 'text', nullable: true } },
});

export async function open({ url }) {
  const to = (of) => new DataSource({ type: 'postgres', url: of, entities: [Cart] }).initialize();
  const db = await to(url.right);
  const carts = db.getRepository(Cart);
  return {
    handlers: {
      'typeorm-ok': () => carts.findOneBy({ id: 1 }),
      'typeorm-unique': () => carts.insert({ id: 1, sku: 1 }),
      'typeorm-not-found': () => carts.findOneByOrFail({ id: 77 }),
      'typeorm-refused': () => to(url.refused),
      'typeorm-missing-table': () => db.query('SELECT * FROM invoices'),
    },
    close: () => db.destroy(),
  };
}
