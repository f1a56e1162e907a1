import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownAddress } from '@project-beacon/writer';
import { explainDatabaseError } from '../../src/store/errors.ts';

test('a masked address shows where, and no secret', () => {
  assert.equal(shownAddress('postgresql://u:p%40ss@h:5432/d'), 'postgresql://u:***@h:5432/d');
  assert.equal(shownAddress('postgresql://u@h/d?sslmode=require'), 'postgresql://u@h/d?sslmode=require');
  assert.equal(
    shownAddress('postgresql://h/d?password=secret&sslpassword=too'),
    'postgresql://h/d?password=***&sslpassword=***',
  );
  assert.doesNotMatch(shownAddress('postgresql://u:secret@[bad/d'), /secret/);
});

test('what the driver throws becomes what, where and what to do', () => {
  const url = 'postgresql://u:secret@db.example/d';
  const cases: Array<[thrown: unknown, code: string, text: RegExp]> = [
    [
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' }),
      'database_unreachable',
      /Nothing answers/,
    ],
    [
      new AggregateError([Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' })]),
      'database_unreachable',
      /::1/,
    ],
    [
      Object.assign(new Error('getaddrinfo ENOTFOUND db.example'), { code: 'ENOTFOUND' }),
      'database_unreachable',
      /not known/,
    ],
    [new Error('timeout expired'), 'database_unreachable', /did not answer in time/],
    [
      Object.assign(new Error('terminating connection'), { code: '57P01' }),
      'database_unreachable',
      /closed the connection/,
    ],
    [Object.assign(new Error('relation "x" does not exist'), { code: '42P01' }), 'not_migrated', /relation "x"/],
    [Object.assign(new Error('division by zero'), { code: '22012' }), 'internal', /division by zero/],
  ];
  for (const [thrown, code, text] of cases) {
    const explained = explainDatabaseError(thrown, url);
    assert.equal(explained.code, code);
    assert.match(explained.message, text);
    assert.match(explained.message, /u:\*\*\*@db\.example/);
    assert.notEqual(explained.hint, '');
  }
});
