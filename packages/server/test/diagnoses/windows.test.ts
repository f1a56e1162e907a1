// Two windows of traces, one normal, one of an incident: whose behaviour changed?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';

const { client } = await testDatabase();

let day = 0;

/** Draws both windows, each on days of its own, and ranks. Twenty times each picture unless said otherwise. */
async function ranked(normal: string[], incident: string[], times = 20) {
  day += 4;
  const at = (days: number) => new Date(Date.now() - (day - days) * 86_400_000 - 43_200_000);
  for (let i = 0; i < times; i++) {
    for (const picture of normal) await draw(client, picture, { at: at(0), execution: null });
    for (const picture of incident) await draw(client, picture, { at: at(2), execution: null });
  }
  const around = (days: number) => [-1, 1].map((hours) => new Date(at(days).getTime() + hours * 3_600_000));
  const { rows } = await client.query('select * from rank_root_causes($1, $2, $3, $4)', [...around(2), ...around(0)]);
  return rows as { service: string; score: number; reason: string; evidence: Record<string, unknown> }[];
}

const CALL = `
  shop view    |==========|
    shop GET   | ======== | kind=client peer.service=cart
      cart GET |   ====   | kind=server
`;

test('two windows that are alike accuse nothing', async () => {
  assert.deepEqual(await ranked([CALL], [CALL]), []);
});

test('a slow way to a callee is charged to the callee', async () => {
  const slow = `
  shop view    |====================|
    shop GET   | ================== | kind=client peer.service=cart
      cart GET |        ====        | kind=server
  `;
  const [first] = await ranked([CALL], [slow]);
  assert.equal(first?.service, 'cart');
  assert.match(first?.reason ?? '', /calls from shop spend 140.0 ms on the way to it instead of 40.0/);
});

test('a slow way to every callee is charged to the caller', async () => {
  const three = (bar: string) =>
    ['cart', 'ads', 'mail']
      .map((callee) => `    shop ${callee} |${bar}| kind=client\n      ${callee} GET |   ==   | kind=server`)
      .join('\n');
  const [first] = await ranked(
    [`  shop view |====================|\n${three(' ====== ')}`],
    [`  shop view |====================|\n${three(' =================== ')}`],
  );
  assert.equal(first?.service, 'shop');
  assert.match(first?.reason ?? '', /slow itself/);
});

/** `from` calls `to`, which works for `work` columns of the bar: first `late` after the call, last `after` before its end. */
const way = (from: string, to: string, late: number, after: number, work = 2) =>
  `    ${from} ${to} |${'='.repeat(late + work + after).padEnd(20)}| kind=client
      ${to} GET |${' '.repeat(late)}${'='.repeat(work)}${' '.repeat(20 - late - work)}| kind=server`;
const calling = (from: string, ...ways: string[]) => `  ${from} view |====================|\n${ways.join('\n')}`;

test('where the way to two callees became longer, their caller is slow', async () => {
  const drawn = (late: number) => calling('shop', way('shop', 'cart', late, 1), way('shop', 'ads', late, 1));
  const [first] = await ranked([drawn(1)], [drawn(16)]);
  assert.equal(first?.service, 'shop');
});

test('where the way to one of two callees became longer, that callee is slow', async () => {
  const drawn = (after: number) => calling('shop', way('shop', 'cart', 1, after), way('shop', 'ads', 1, 1));
  const [first] = await ranked([drawn(1)], [drawn(16)]);
  assert.equal(first?.service, 'cart');
});

test('requests that leave late to the only callee, whose answers arrive as ever, are charged to the caller', async () => {
  const [first] = await ranked(
    [calling('shop', way('shop', 'cart', 1, 1))],
    [calling('shop', way('shop', 'cart', 17, 1))],
  );
  assert.equal(first?.service, 'shop');
  assert.match(first?.reason ?? '', /its calls take 5.8 times as long on the way/);
});

test('requests that wait for a busy callee are charged to it, though its answers arrive as ever', async () => {
  const [first] = await ranked(
    [calling('shop', way('shop', 'cart', 1, 1, 2))],
    [calling('shop', way('shop', 'cart', 15, 1, 4))],
  );
  assert.equal(first?.service, 'cart');
});

test('answers that arrive late from the only callee are charged to it', async () => {
  const [first] = await ranked(
    [calling('shop', way('shop', 'cart', 1, 1))],
    [calling('shop', way('shop', 'cart', 1, 17))],
  );
  assert.equal(first?.service, 'cart');
});

test('a callee that others reach as fast as ever is not the slow end of a way', async () => {
  // Both ends of the way lose time, so that the answers alone would accuse the callee.
  const normal = [calling('shop', way('shop', 'cart', 1, 1)), calling('till', way('till', 'cart', 1, 1))];
  const incident = [calling('shop', way('shop', 'cart', 9, 9)), calling('till', way('till', 'cart', 1, 1))];
  const [first] = await ranked(normal, incident);
  assert.equal(first?.service, 'shop');
});

test('a callee that all callers reach late is the slow end', async () => {
  const drawn = (late: number, after: number) =>
    ['shop', 'till'].map((from) => calling(from, way(from, 'cart', late, after)));
  const [first] = await ranked(drawn(1, 1), drawn(9, 9));
  assert.equal(first?.service, 'cart');
});

test('two kinds of evidence against one service outweigh one of either against another', async () => {
  // The shop is slower itself and on its way out, the mail on its own only; each of the three shifts is as large as the others.
  const drawn = (own: number, late: number) => [
    calling('shop', way('shop', 'cart', late, 1)),
    `  shop pay |${'='.repeat(own).padEnd(20)}|`,
    `  mail send |${'='.repeat(own).padEnd(20)}|`,
  ];
  const found = await ranked(drawn(3, 1), drawn(18, 15));
  assert.equal(found[0]?.service, 'shop');
  const of = (service: string) => found.find((one) => one.service === service)?.score ?? 0;
  assert.ok(of('shop') > 1.3 * of('mail'), `${of('shop')} against ${of('mail')}`);
});

test('an aborted call is charged to the callee that left no span', async () => {
  const aborted = `
  shop view  |==x| error=503
    shop GET | x | kind=client peer.service=cart error=503
  `;
  const [first] = await ranked([CALL], [CALL, aborted]);
  assert.equal(first?.service, 'cart');
  assert.match(first?.reason ?? '', /failures begin here: 503 in 20 of/);
});

test('failures that were usual accuse nothing', async () => {
  const failing = '  shop view  |==x| error=503\n    shop GET | x | kind=client peer.service=cart error=503';
  assert.deepEqual(await ranked([CALL, failing], [CALL, failing]), []);
});

test('calls that an operation no longer makes are charged to it', async () => {
  const before = '  shop view  |==========|\n    shop price | ===      |\n    shop stock |     ==== |';
  const after = '  shop view  |====|\n    shop price | ==  |';
  const found = await ranked([before], [after]);
  assert.equal(found[0]?.service, 'shop');
  assert.match(found[0]?.reason ?? '', /view no longer calls stock: in 0 of 20, usually in 20 of 20/);
});

test('a service that is slow only because its callee is, is not ranked', async () => {
  const slow = `
  shop view    |==============================|
    shop GET   | ============================ | kind=client peer.service=cart
      cart GET |   ========================   | kind=server
  `;
  const found = await ranked([CALL], [slow]);
  assert.deepEqual(
    found.map(({ service }) => service),
    ['cart'],
  );
  assert.match(found[0]?.reason ?? '', /its own time in GET rose from 40.0 to 240.0 ms/);
});

test('a change seen twice is no evidence', async () => {
  const slow = CALL.replace('|   ====   |', '| ======== |');
  assert.deepEqual(await ranked([CALL], [slow], 2), []);
});
