const axios = require('axios');
const express = require('express');
const got = require('got');
const { buildSchema, graphql } = require('graphql');
const mysql = require('mysql2/promise');
const pg = require('pg');

const STOCK = 'http://stock-api:8080/stock/17';
const failure = process.env.FAILURE.replace(/-both$/, '');
const pool = new pg.Pool({ connectionString: process.env.WORLD_POSTGRES_URL });
const ask = (text, values) => () => pool.query(text, values).then(({ rows }) => rows);

const schema = buildSchema('type Query { cart(id: ID!): Cart } type Cart { id: ID!, total: Float! }');
const carts = {
  'graphql-ok': () => ({ id: 17, total: 9.9 }),
  'graphql-resolver': () => {
    throw new Error('price list 2026 is not loaded');
  },
  'graphql-null': () => ({ id: 17, total: null }),
};
const query = failure === 'graphql-validation' ? '{ cart(id: 17) { id, coupon } }' : '{ cart(id: 17) { id, total } }';

const CALLS = {
  refused: () => axios.get('http://stock-api:8089/stock/17'),
  'no-such-name': () => axios.get('http://tax.shop.internal:8080/rate'),
  timeout: () => axios.get(STOCK, { timeout: 700 }),
  'three-levels': () => axios.get(STOCK, { timeout: 1000 }),
  'got-ok': () => got(STOCK).json(),
  'got-hang-up': () => got(STOCK, { retry: 0 }),
  'got-timeout': () => got(STOCK, { timeout: 700, retry: 0 }),
  'tls-expired': () => axios.get(process.env.WORLD_TLS_EXPIRED),
  'tls-self-signed': () => axios.get(process.env.WORLD_TLS_SELF_SIGNED),
  'not-found-handled': () => axios.get(STOCK, { validateStatus: () => true }),
  'uncaught-error': () => {
    const cart = undefined;
    return cart.lines;
  },
  'pg-ok': ask('SELECT id FROM carts WHERE id = $1', [1]),
  'pg-unique': ask('INSERT INTO carts (id) VALUES ($1)', [1]),
  'pg-missing-relation': ask('SELECT * FROM invoices'),
  'pg-statement-timeout': ask("SET statement_timeout = '200ms'; SELECT pg_sleep(2)"),
  'pg-refused': () => new pg.Pool({ host: 'pg-shop', port: 5433 }).query('SELECT 1'),
  'mysql-refused': () => mysql.createConnection({ host: 'db-mysql', user: 'shop', database: 'shop' }),
};

const app = express();
app.post('/checkout/:cart', async (request, response, next) => {
  try {
    if (failure.startsWith('graphql-')) {
      // GraphQL answers 200 whatever its resolvers did.
      const { errors, data } = await graphql({ schema, source: query, rootValue: { cart: carts[failure] } });
      return response.json({ errors, data });
    }
    const answer = await (CALLS[failure] ?? (() => axios.get(STOCK)))(request);
    response.json(answer?.data ?? answer ?? {});
  } catch (error) {
    next(error);
  }
});
app.listen(3000, 'shop-web', () => process.send('ready'));
