// Addresses of databases that cannot be reached or do not let in.
const right = process.env.WORLD_POSTGRES_URL;
const changed = (changes) => Object.assign(new URL(right), changes).href;

export const url = {
  right,
  refused: changed({ port: 5433 }),
  noSuchName: changed({ hostname: 'pg-carts.shop.internal' }),
  wrongPassword: changed({ password: 'guessed' }),
  noSuchDatabase: changed({ pathname: '/carts' }),
};
