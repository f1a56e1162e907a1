import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@prisma/client';
import { pause } from 'world-node/processes.mjs';

export function open({ url }) {
  const to = (connectionString, options = {}) =>
    new PrismaClient({ adapter: new PrismaPg({ connectionString, connectionTimeoutMillis: 1000, ...options }) });
  const prisma = to(url.right);
  const one = { where: { id: 1 } };
  return {
    handlers: {
      'prisma-ok': () => prisma.cart.findMany(),
      'prisma-not-found-handled': () => prisma.cart.findUnique({ where: { id: 77 } }),
      'prisma-unique': () => prisma.cart.create({ data: { id: 1, sku: 1 } }),
      'prisma-foreign-key': () => prisma.cart.create({ data: { id: 2, sku: 999 } }),
      'prisma-record-not-found': () => prisma.cart.update({ where: { id: 77 }, data: { note: 'x' } }),
      'prisma-missing-table': () => prisma.invoice.findMany(),
      'prisma-raw-query': () => prisma.$queryRaw`SELECT discount FROM carts`,
      'prisma-validation': () => prisma.cart.create({ data: { id: 'one', sku: 1 } }),
      'prisma-refused': () => to(url.refused).cart.findMany(),
      'prisma-no-such-name': () => to(url.noSuchName).cart.findMany(),
      'prisma-wrong-password': () => to(url.wrongPassword).cart.findMany(),
      'prisma-no-such-database': () => to(url.noSuchDatabase).cart.findMany(),
      'prisma-pool': async () => {
        const small = to(url.right, { max: 1 });
        const taken = small.$transaction(() => pause(3000), { timeout: 5000 });
        await pause(200);
        await small.cart.findMany().finally(() => taken.catch(() => undefined));
      },
      'prisma-transaction-timeout': () =>
        prisma.$transaction(
          async (tx) => {
            await tx.cart.findUnique(one);
            await pause(1200);
            await tx.cart.update({ ...one, data: { note: 'late' } });
          },
          { timeout: 600 },
        ),
      'prisma-write-conflict': () =>
        prisma.$transaction(
          async (tx) => {
            await tx.cart.findUnique(one);
            await prisma.cart.update({ ...one, data: { note: 'first' } });
            await tx.cart.update({ ...one, data: { note: 'second' } });
          },
          { isolationLevel: 'RepeatableRead' },
        ),
    },
    close: () => prisma.$disconnect(),
  };
}
