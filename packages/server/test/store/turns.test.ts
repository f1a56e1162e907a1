import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/store/connect.ts';
import { limited } from '../../src/store/turns.ts';

// Never connected: it only says whose turn it is.
const pool = () => createPool('postgresql://nobody@127.0.0.1:1/nothing', { applicationName: 'test' });
const never = new AbortController().signal;

/** Work that ends on request. */
function task() {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { work: () => promise, end: resolve };
}

test('two work, the third takes the place of the first that ends', async () => {
  const to = { what: 'statements', atOnce: 2, patienceMs: 10_000 };
  const mine = pool();
  const [a, b, c] = [task(), task(), task()];
  const order: string[] = [];
  const [first, second, third] = [a, b, c].map((each, i) =>
    limited(mine, to, never, () => {
      order.push(`${i}`);
      return each.work();
    }),
  );
  assert.deepEqual(order, ['0', '1']);
  b.end('b');
  assert.equal(await second, 'b');
  a.end('a');
  c.end('c');
  assert.deepEqual(await Promise.all([first, third]), ['a', 'c']);
  assert.deepEqual(order, ['0', '1', '2']);
  assert.equal(await limited(mine, to, never, async () => 'free again'), 'free again');
});

test('who waits too long is told, who leaves is forgotten, and a failure gives its place back', async () => {
  const mine = pool();
  const to = { what: 'statements', atOnce: 1, patienceMs: 10 };
  const first = task();
  const running = limited(mine, to, never, first.work);
  await assert.rejects(
    limited(mine, to, never, async () => 'never'),
    { code: 'busy', message: /1 statements are running/ },
  );
  const leaving = new AbortController();
  const left = limited(mine, { ...to, patienceMs: 10_000 }, leaving.signal, async () => 'never');
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  first.end('done');
  assert.equal(await running, 'done');
  await assert.rejects(
    limited(mine, to, never, async () => {
      throw new Error('failed');
    }),
    /failed/,
  );
  assert.equal(await limited(mine, to, never, async () => 'free'), 'free');
});
