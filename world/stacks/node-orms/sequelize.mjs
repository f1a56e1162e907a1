import { DataTypes, Sequelize } from 'sequelize';

export function open({ url }) {
  const to = (connectionString, options = {}) => new Sequelize(connectionString, { logging: false, ...options });
  const db = to(url.right, { pool: { max: 1, acquire: 800 } });
  const model = (of, table, columns = {}) =>
    of.define('Cart', { sku: DataTypes.INTEGER, ...columns }, { tableName: table, timestamps: false });
  const Cart = model(db, 'carts', { note: { type: DataTypes.TEXT, validate: { len: [0, 5] } } });
  const count = (of) => model(of, 'carts').count();
  return {
    handlers: {
      'sequelize-ok': () => Cart.findByPk(1),
      'sequelize-unique': () => Cart.create({ id: 1, sku: 1 }),
      'sequelize-missing-table': () => model(db, 'invoices').findAll(),
      'sequelize-validation': () => Cart.create({ id: 9, sku: 1, note: 'much too long' }),
      'sequelize-refused': () => count(to(url.refused)),
      'sequelize-no-such-name': () => count(to(url.noSuchName)),
      'sequelize-wrong-password': () => count(to(url.wrongPassword)),
      'sequelize-pool': async () => {
        const taken = await db.transaction();
        await Cart.count().finally(() => taken.rollback());
      },
    },
    close: () => db.close(),
  };
}
