// Which work decided how long a trace took: drawn, with the path as text beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdicts } from './verdicts.ts';

const { db, draw } = await verdicts();

async function pathOf(picture: string): Promise<string> {
  const { traceId } = await draw(picture);
  const { rows } = await db.client.query('select operation, ms from critical_path($1)', [traceId]);
  return rows.map(({ operation, ms }) => `${operation} ${ms}`).join(', ');
}

test('of children in parallel only the one that ended last is on the path', async () => {
  const path = await pathOf(`
    app work   |==========|
      a first  | =====    |
      b second | ======== |
      c third  | ===      |
  `);
  assert.equal(path, 'work 10, second 80, work 10');
});

test('of children that overlap the later one counts from its start, and the earlier one until then', async () => {
  const path = await pathOf(`
    app work  |==========|
      a early |=====     |
      b late  |   =======|
  `);
  assert.equal(path, 'early 30, late 70');
});

test('a child that outlives its parent counts until the parent ended', async () => {
  const path = await pathOf(`
    app work  |======    |
      a audit |   =======|
  `);
  assert.equal(path, 'work 30, audit 30');
});

test('a child that only starts after its parent ended decided nothing', async () => {
  const path = await pathOf(`
    app work  |====      |
      a audit |      ====|
  `);
  assert.equal(path, 'work 40');
});

test('work below a child is charged to who did it, level by level', async () => {
  const path = await pathOf(`
    app work      |==========|
      a call      | ======== |
        b query   |  ====    |
          c read  |   ==     |
  `);
  assert.equal(path, 'work 10, call 10, query 10, read 20, query 10, call 30, work 10');
});

test('an orphan beside the root neither lengthens the path nor shortens it', async () => {
  const path = await pathOf(`
    app work  |======    |
      a call  | ====     |
    b stray   |  ==      | orphan
  `);
  assert.equal(path, 'work 10, call 40, work 10');
});
