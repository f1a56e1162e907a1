import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kept } from '../../src/http/kept.ts';

const body = (bytes: number) => Buffer.alloc(bytes);

test('an answer is kept for its version only', () => {
  const kept = new Kept(100);
  kept.put('a', '1', body(10));
  assert.equal(kept.get('a', '1')?.length, 10);
  assert.equal(kept.get('a', '2'), undefined);
  assert.equal(kept.get('a', '1'), undefined, 'the older version is forgotten');
});

test('what was asked for longest ago goes first, and nothing larger than all room is kept', () => {
  const kept = new Kept(100);
  kept.put('a', '1', body(40));
  kept.put('b', '1', body(40));
  kept.get('a', '1');
  kept.put('c', '1', body(40));
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => kept.get(key, '1') !== undefined),
    [true, false, true],
  );
  kept.put('d', '1', body(101));
  assert.equal(kept.get('d', '1'), undefined);
  assert.ok(kept.get('a', '1'), 'and it displaced nothing');
});
