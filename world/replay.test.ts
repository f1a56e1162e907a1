import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { RECORDINGS, readStacks } from './recording/stack.ts';
import { withTable } from './recording/table.ts';
import { type Heard, readHeard } from './replaying/heard.ts';
import { readMisses } from './replaying/misses.ts';
import { verdictsOf } from './replaying/verdicts.ts';

const stacks = readStacks();
// All of them take minutes: `npm test` replays every twelfth, `npm run test:wild` and `npm run world:score` replay them all.
const replayed = process.env.WORLD === 'all' ? stacks : stacks.filter((_, n) => n % 12 === 0);

const heard: Heard = new Map();
const listed = readHeard();

for (const stack of replayed) {
  test(`of ${stack.name} the verdicts are right that were right before`, async (t) => {
    const { url } = await testDatabase();
    const misses = readMisses(stack);
    for (const { failure, wrong, type, service, confidence, sentence, causes } of await verdictsOf(stack, url, heard)) {
      await t.test(`${failure.id}: ${failure.does}`, () => {
        const known = misses[failure.id] ?? [];
        const expected =
          failure.expected &&
          `${failure.expected.types.join(' or ')} at ${failure.expected.service}, /${failure.expected.fact}/`;
        assert.deepEqual(
          wrong,
          known,
          `said ${type} at ${service} (${confidence}): ${sentence}\nexpected ${expected ?? 'no cause'}; causes: ${causes.join(', ') || 'none'}\n` +
            'Where more is right now than misses.json says: npm run world:score -- --write-misses',
        );
      });
    }
  });
}

test('the vocabulary says of every word that is heard in a recording that it is, and of no other', () => {
  const words = (of: Heard) => [...of].flatMap(([source, each]) => [...each].map((word) => `${source} ${word}`)).sort();
  const known = new Set(words(listed));
  const unlisted = words(heard).filter((word) => !known.has(word));
  assert.deepEqual(unlisted, [], 'npm run world:score -- --write-misses writes sql/vocabulary/recorded.sql');
  assert.ok(known.size > 300);
  if (process.env.WORLD === 'all') assert.deepEqual(words(listed), words(heard));
});

test('every failure that is stated was recorded, and every recording is stated', () => {
  const stated = stacks.flatMap(({ name, failures }) => failures.map(({ id }) => `${name}/${id}.json`));
  const recorded = fs
    .readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.split(path.sep).join('/'));
  assert.deepEqual(recorded.sort(), stated.sort());
});

test('every stack has healthy runs, and what is expected of its failures can be checked', () => {
  for (const { name, failures } of stacks) {
    assert.ok(
      failures.some(({ twin }) => twin),
      `${name} has no twin`,
    );
    assert.equal(new Set(failures.map(({ id }) => id)).size, failures.length, `${name} uses an id twice`);
    for (const { id, twin, expected } of failures) {
      assert.equal(
        expected === undefined,
        twin === true,
        `${name}/${id}: a failure states what is expected, a twin does not`,
      );
      if (expected) assert.doesNotThrow(() => [new RegExp(expected.service), new RegExp(expected.fact)]);
    }
  }
});

test('a miss that is listed is of a failure that is stated', () => {
  for (const stack of stacks) {
    const ids = stack.failures.map(({ id }) => id);
    assert.deepEqual(
      Object.keys(readMisses(stack)).filter((id) => !ids.includes(id)),
      [],
      stack.name,
    );
  }
});

test('the table in README.md is fresh', () => {
  const { was, is } = withTable();
  assert.equal(was, is, 'npm run world:score writes it');
});
