import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { BOUNDS, bucketOf, spanName } from '../src/digest.ts';
import { microsOf } from '../src/field.ts';
import { HASH, hash, hashBigint } from '../src/hash.ts';
import { shortest } from '../src/scan.ts';

const { client } = await testDatabase();

const half = (seed: bigint, shift: bigint) => Number(BigInt.asIntN(32, seed >> shift));

test('the hash of a text is that of the database, whatever its length and seed', async () => {
  const texts = fc.string({ unit: 'grapheme', maxLength: 40 });
  const given = fc.sample(fc.tuple(texts, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), 300);
  given.push(['beacon', 0n], ['', 0n], ['', 1n]);
  const { rows } = await client.query(
    `select hashtextextended(t, s::bigint) as h from unnest($1::text[], $2::text[]) with ordinality as x (t, s, n) order by n`,
    [given.map(([text]) => text), given.map(([, seed]) => seed.toString())],
  );
  for (const [i, [text, seed]] of given.entries()) {
    const bytes = Buffer.from(text);
    hash(bytes, 0, bytes.length, half(seed, 32n), half(seed, 0n));
    assert.equal(hashBigint().toString(), rows[i].h, JSON.stringify([text, `${seed}`]));
  }
  assert.equal(HASH.length, 2);
});

test('equal numbers have one text, that of the database', async () => {
  const doubles = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 300).map(String);
  const texts = [...doubles, '5.0', '-0.0', '0e5', '1E+3', '12.3400', '100', '1e-7', '-1.50e2', '9007199254740993'];
  const { rows } = await client.query(
    'select trim_scale(t::numeric)::text as s from unnest($1::text[]) with ordinality as x (t, n) order by n',
    [texts],
  );
  for (const [i, text] of texts.entries()) assert.equal(shortest(text), rows[i].s, text);
});

test('classes of duration are those of the database, at their ends too', async () => {
  const near = BOUNDS.flatMap((bound) => [bound, bound * (1 - Number.EPSILON), bound * (1 + Number.EPSILON)]);
  const values = [...near, 0, 0.001, 0.01, 1e12, ...fc.sample(fc.double({ min: 0, max: 1e7, noNaN: true }), 300)];
  const { rows } = await client.query(
    'select beacon.duration_bucket(d) as b from unnest($1::float8[]) with ordinality as x (d, n) order by n',
    [values],
  );
  for (const [i, value] of values.entries()) assert.equal(bucketOf(value), rows[i].b, String(value));
  assert.equal(bucketOf(null), -1);
});

test('times and names are those of the database', async () => {
  const times = ['1970-01-01T00:00:00.000000+00', '2026-11-30T22:15:59.999999+00', '2284-07-21T23:34:33.709551+00'];
  const { rows } = await client.query(
    `select round(1000000 * extract(epoch from t::timestamptz - '2000-01-01Z'))::text as us from unnest($1::text[]) with ordinality x (t, n) order by n`,
    [times],
  );
  for (const [i, time] of times.entries()) {
    const bytes = Buffer.from(`\t${time}\t`);
    assert.equal(String(microsOf(bytes, 1, bytes.length - 1)), rows[i].us);
  }
  const { id } = spanName('pay', 'charge "it"', 'server');
  assert.equal(id, (await client.query(`select beacon.name_hash('pay', 'charge "it"', 'server') as id`)).rows[0].id);
});
