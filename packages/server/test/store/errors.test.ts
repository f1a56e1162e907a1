import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownAddress } from '@project-beacon/writer';
import { connect, createPool } from '../../src/store/connect.ts';
import { type BeaconError, explainDatabaseError } from '../../src/store/errors.ts';

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

const REFUSED: [string, RegExp][] = [
  ['postgresql://u:p@h1:5432,h2:5432/b', /several hosts, which are not supported\..*Name one: the primary/],
  ['host=localhost dbname=b', /list of key=value pairs.*looks like postgresql:/],
  ['"postgresql://u:p@h/b"', /has quotes around it\..*Take them out/],
  ['postgresql://u:p#w@h:x/b', /cannot be read\..*%23/],
];

for (const [url, said] of REFUSED) {
  test(`a connection string that the driver does not take is told as what it is: ${said}`, () => {
    assert.throws(
      () => createPool(url, { applicationName: 'test' }),
      (error: BeaconError) => error.code === 'usage' && said.test(`${error.message} ${error.hint}`),
    );
  });
}

test('a socket is an address like any other', async () => {
  const url = 'postgresql://u@/b?host=/nowhere';
  await assert.rejects(connect(url, { applicationName: 'test' }), (error: BeaconError) => {
    assert.match(error.message, /^Nothing answers at .*host=\/nowhere/);
    return error.code === 'database_unreachable';
  });
});

test("Node's and OpenSSL's codes are no SQLSTATEs, and those of certificates say what to do", () => {
  const explained = (code: string, message = 'x') =>
    explainDatabaseError(Object.assign(new Error(message), { code }), 'postgresql://h/b?sslmode=require');
  for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_HAS_EXPIRED']) {
    const { code: as, hint } = explained(code, 'self-signed certificate');
    assert.equal(as, 'database_unreachable');
    assert.match(hint, /uselibpqcompat=true&sslmode=require.*sslmode=no-verify/);
  }
  assert.match(explained('', 'The server does not support SSL connections').hint, /Take sslmode out/);
  assert.doesNotMatch(explained('ERR_SOMETHING_ELSE').hint, /SQLSTATE/);
  assert.equal(explained('55P03').hint, 'SQLSTATE 55P03.');
});
