// Alerts from a failing trace to a real receiver: said once, with their cause, and when they are over.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import type pg from 'pg';
import { startAlerts } from '../../src/alerts/loop.ts';
import { signature } from '../../src/alerts/payloads.ts';
import { examineAlerts } from '../../src/doctor/alerts.ts';
import { meets, parseCondition } from '../../src/queries/alert-condition.ts';
import { runQuery } from '../../src/queries/run.ts';
import { QUERIES, type QueryName } from '../../src/registry.ts';
import { createPool } from '../../src/store/connect.ts';
import { receiver } from './receiver.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 3 });
const SECRET = ['whsec', Buffer.from('not a secret at all').toString('base64')].join('_');
const env = { HOOK_SECRET: SECRET, ROUTING: 'routing-key', SLACK: '' };
const alerts = startAlerts(pool, { env, publicUrl: 'https://beacon.example/', intervalMs: 3_600_000 });
after(async () => {
  await alerts.stop();
  await pool.end();
});

const ask = async (name: QueryName, params: Record<string, unknown> = {}) =>
  (await runQuery(pool, QUERIES.find((query) => query.name === name) as (typeof QUERIES)[number], params)).rows;
/** The next turn of every rule, and whatever is due by then, without waiting for it. */
async function turn(): Promise<void> {
  await client.query('update beacon.alert_rules set evaluated_at = null');
  await client.query('update beacon.alert_deliveries set due_at = now() where acknowledged_at is null');
  await alerts.round();
}
const target = (name: string, kind: string, address: string | null, more: (string | null)[] = [null, null]) =>
  client.query('select beacon.alert_target($1, $2, $3, $4, $5)', [name, kind, address, ...more]);
const fail = (service: string, execution: number) =>
  draw(
    client,
    `${service} run | ===x | kind=client error=ECONNREFUSED message="connect ECONNREFUSED ${service}.internal:443"`,
    {
      execution,
      at: new Date(Date.now() - 60_000),
    },
  );

beforeEach(() =>
  client.query('delete from beacon.alert_deliveries; delete from beacon.alerts; delete from beacon.alert_rules'),
);

test('a failure is said once to every target in its own shape, signed, with cause and link, and again when it is over', async () => {
  const hook = await receiver(() => ({ status: 204 }));
  const slack = await receiver(() => ({ status: 200 }));
  const pager = await receiver(() => ({ status: 202 }));
  env.SLACK = `${slack.url}/services/T0/B0`;
  await target('hook', 'webhook', `${hook.url}/alerts`, [null, 'HOOK_SECRET']);
  await target('chat', 'slack', null, ['SLACK', null]);
  await target('pager', 'pagerduty', pager.url, [null, 'ROUTING']);
  const { executionId } = await fail('router', 71);
  await ask('make-alert', {
    name: 'failures',
    targets: 'hook,chat,pager',
    within: '10m',
    condition: 'executions >= 1',
  });
  await turn();
  await turn();

  assert.deepEqual(
    [hook, slack, pager].map(({ received }) => received.length),
    [1, 1, 1],
    'said once',
  );
  const [{ headers, text, body, path }] = hook.received as [(typeof hook.received)[0]];
  assert.deepEqual(
    [path, body.type, body.data.rule, body.data.severity],
    ['/alerts', 'alert.firing', 'failures', 'error'],
  );
  assert.match(body.data.cause, /^CONNECTION_FAILURE: ./);
  assert.equal(body.data.link, `https://beacon.example/execution/${executionId}`);
  assert.equal(body.data.delivery_id, headers['webhook-id']);
  const [id, at] = [`${headers['webhook-id']}`, `${headers['webhook-timestamp']}`];
  assert.equal(headers['webhook-signature'], signature(SECRET, id, at, text));
  assert.match(
    slack.received[0]?.body.blocks[0].text.text,
    /^\*Firing\*: failures: .*ECONNREFUSED.*\n.*\n<https:.*\|Open in Beacon>$/s,
  );
  const { routing_key, event_action, dedup_key, payload, links } = pager.received[0]?.body ?? {};
  assert.deepEqual(
    [routing_key, event_action, payload.severity, payload.source],
    ['routing-key', 'trigger', 'error', 'beacon'],
  );
  assert.equal(links[0].href, body.data.link);

  // Ten more of the same are the same failure; another service is another.
  await fail('router', 72);
  await fail('billing', 73);
  await turn();
  assert.equal(hook.received.length, 2);
  assert.match(hook.received[1]?.body.data.summary, /billing/);

  await client.query('delete from beacon.trace_spans; delete from beacon.traces; delete from beacon.trace_executions');
  await turn();
  await turn();
  assert.deepEqual(
    hook.received.slice(2).map(({ body }) => body.type),
    ['alert.resolved', 'alert.resolved'],
  );
  const resolved = pager.received.slice(2).map(({ body }) => [body.event_action, body.dedup_key, body.payload]);
  assert.deepEqual(
    resolved.find(([, key]) => key === dedup_key),
    ['resolve', dedup_key, undefined],
  );
  const rows = await ask('alerts');
  assert.deepEqual(
    rows.map(({ state, deliveries, acknowledged }) => [state, deliveries, acknowledged]),
    [
      ['resolved', 6, 6],
      ['resolved', 6, 6],
    ],
  );
  assert.ok(
    (await examineAlerts(pool)).some(({ state, summary }) => state === 'good' && /hook acknowledged/.test(summary)),
  );
});

test('what a receiver does not acknowledge is sent again under the same id, in order, and never once it was', async () => {
  const answers = [
    { status: 500 },
    null,
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    { status: 200 },
  ];
  const flaky = await receiver((nth) => (nth < answers.length ? (answers[nth] ?? null) : { status: 200 }));
  await target('flaky', 'webhook', flaky.url);
  await fail('router', 81);
  await ask('make-alert', { name: 'flaky', targets: ['flaky'] });
  await turn();
  assert.match(String((await ask('alert-targets')).find(({ name }) => name === 'flaky')?.last_error), /HTTP 500/);
  // It is over before anyone heard of it: that it began is still said first.
  await client.query('delete from beacon.trace_spans; delete from beacon.traces; delete from beacon.trace_executions');
  for (let n = 0; n < 6; n++) await turn();
  assert.deepEqual(
    flaky.received.map(({ status, body }) => [status, body.type]),
    [...[500, null, 302, 200].map((status) => [status, 'alert.firing']), [200, 'alert.resolved']],
  );
  assert.equal(new Set(flaky.received.map(({ headers }) => headers['webhook-id'])).size, 2);

  const busy = await receiver((nth) =>
    nth === 0 ? { status: 429, headers: { 'retry-after': '1800' } } : { status: 200 },
  );
  await target('busy', 'webhook', busy.url);
  await client.query(`select beacon.test_alert_target('busy')`);
  await alerts.round();
  await alerts.round();
  const { rows } = await client.query(
    `select due_at > now() + interval '25 minutes' as later from beacon.alert_deliveries where target = 'busy'`,
  );
  assert.deepEqual([busy.received.length, rows[0].later], [1, true], 'a receiver that names a time is obeyed');
});

test('an acknowledgement that the database could not take is noted before anything else, and nothing is sent twice', async () => {
  const hook = await receiver(() => ({ status: 200 }));
  await target('kept', 'webhook', hook.url);
  const failing = createPool(url, { applicationName: 'test', max: 1 });
  const query = failing.query.bind(failing) as (...args: unknown[]) => Promise<pg.QueryResult>;
  let down = true;
  failing.query = ((text: string, ...rest: unknown[]) =>
    down && text.includes('end_delivery')
      ? Promise.reject(new Error('terminating connection'))
      : query(text, ...rest)) as never;
  const other = startAlerts(failing, { env, intervalMs: 3_600_000 });
  await client.query(`select beacon.test_alert_target('kept')`);
  await other.round();
  await client.query('update beacon.alert_deliveries set due_at = now()');
  await other.round();
  assert.equal(hook.received.length, 1);
  down = false;
  await other.round();
  await other.stop();
  await failing.end();
  const { rows } = await client.query(`select count(acknowledged_at)::integer as n from beacon.alert_deliveries`);
  assert.deepEqual([rows[0].n, hook.received.length], [1, 1]);
});

test('a silenced rule notes and does not send; what is still there afterwards is sent', async () => {
  const hook = await receiver(() => ({ status: 200 }));
  await target('quiet', 'webhook', hook.url);
  await fail('router', 91);
  await ask('make-alert', { name: 'quiet', targets: 'quiet' });
  await ask('silence-alert', { name: 'quiet', for: '2h' });
  await turn();
  assert.deepEqual([(await ask('alerts'))[0]?.state, hook.received.length], ['silenced', 0]);
  await ask('silence-alert', { name: 'quiet', for: '0s' });
  await turn();
  assert.deepEqual([(await ask('alerts'))[0]?.state, hook.received.length], ['firing', 1]);
  await ask('remove-alert', { name: 'quiet' });
  assert.equal((await ask('alerts'))[0]?.state, 'resolved');
});

test('a rule that cannot be asked, a secret that is not set and a target that is down are said, by the doctor too', async () => {
  await assert.rejects(ask('make-alert', { name: 'x', query: 'nothing' }), { code: 'usage' });
  await assert.rejects(ask('make-alert', { name: 'x', query: 'scores' }), { code: 'usage' });
  await assert.rejects(ask('make-alert', { name: 'x', condition: 'executions' }), /is no condition/);
  await assert.rejects(ask('make-alert', { name: 'x', condition: 'colour = red' }), /no column colour/);
  await assert.rejects(ask('make-alert', { name: 'x', targets: 'nowhere' }), { code: 'not_found' });
  await assert.rejects(target('bad', 'webhook', `http://user:${'x'}@h/`), { constraint: 'alert_targets_url_is_http' });
  await assert.rejects(target('bad', 'webhook', 'file:///etc/passwd'), { constraint: 'alert_targets_url_is_http' });

  await client.query(
    `insert into beacon.alert_rules (name, query, params) values ('broken', 'findings', '{"colour": "red"}')`,
  );
  await target('unset', 'webhook', null, ['NOT_SET_ANYWHERE', null]);
  await target('down', 'webhook', 'http://127.0.0.1:9/');
  const [tried] = await Promise.all([
    ask('test-alert', { target: 'unset' }),
    until('it is in the queue', async () => {
      const { rows } = await client.query(`select from beacon.alert_deliveries where target = 'unset'`);
      return rows.length > 0;
    }).then(turn),
  ]);
  assert.match(String(tried[0]?.last_error), /NOT_SET_ANYWHERE, with the address of target unset, is not set/);
  await client.query(`select beacon.test_alert_target('down')`);
  await turn();
  await client.query(`update beacon.alert_deliveries set created_at = now() - interval '3 minutes'`);
  const findings = await examineAlerts(pool);
  const faults = findings.filter(({ state }) => state === 'fault').map(({ fault, summary }) => `${fault} ${summary}`);
  assert.equal(faults.length, 3, JSON.stringify(faults));
  assert.match(
    faults.join('\n'),
    /ALERT_RULE_FAILS the alert rule broken cannot be asked: .*\n.*down: No connection .*\n.*NOT_SET_ANYWHERE/s,
  );
});

test('a condition compares numbers as numbers, and null with nothing', () => {
  const met = (text: string, row: Record<string, unknown>) => meets(row, parseCondition(text, Object.keys(row)));
  assert.ok(met('n >= 10 and type = NETWORK_TIMEOUT', { n: 11, type: 'NETWORK_TIMEOUT' }));
  assert.ok(!met('n >= 10', { n: 9 }) && !met('n > 9', { n: null }) && met('n != 3', { n: null }));
  assert.ok(met('different = true', { different: true }) && met("said = 'a b'", { said: 'a b' }) && met('', { n: 1 }));
});

test('what docs/alerts.md says a receiver should do knows a signed message from any other', async () => {
  const guide = fs.readFileSync(path.join(import.meta.dirname, '../../../../docs/alerts.md'), 'utf8');
  const [, recipe = ''] = /```js\n(.*?)```/s.exec(guide) ?? [];
  const { isFromBeacon } = await import(`data:text/javascript,${encodeURIComponent(recipe)}`);
  const at = String(Math.floor(Date.now() / 1000));
  const sent = (body: string, time = at, secret = SECRET) => ({
    ...{
      'webhook-id': 'msg_1',
      'webhook-timestamp': time,
      'webhook-signature': signature(secret, 'msg_1', time, body),
    },
  });
  assert.equal(isFromBeacon(sent('{"a":"ü"}'), '{"a":"ü"}', SECRET), true);
  assert.equal(isFromBeacon(sent('{"a":1}'), '{"a":2}', SECRET), false);
  assert.equal(isFromBeacon(sent('{}', at, 'another'), '{}', SECRET), false);
  assert.equal(isFromBeacon(sent('{}', String(Number(at) - 600)), '{}', SECRET), false, 'sent again later');
  assert.equal(isFromBeacon({}, '{}', SECRET), false);
});

test('the signature is the one the reference library of Standard Webhooks makes', () => {
  // Recorded from standardwebhooks 1.1.1 (npm): new Webhook(secret).sign(id, new Date(1764547200000), body).
  assert.equal(
    signature('whsec_bm90IGEgc2VjcmV0IGF0IGFsbA==', 'msg_1', '1764547200', '{"a":"ü"}'),
    'v1,9IbuOj+OQm0RiZqeh9ZK5LOBDep2mPIiMupJbt9rM0U=',
  );
});
