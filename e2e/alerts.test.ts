// kill -9 of Beacon or of PostgreSQL while alerts go to a receiver that fails half of the time: none is lost, none is sent again
// once it was acknowledged. `npm run test:long` makes 50 rounds (ALERT_ROUNDS); CRASH_SEED repeats a run.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { seededRandom } from '@project-beacon/testkit/random.ts';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { startBeacon } from './beacon.ts';

const ROUNDS = Number(process.env.ALERT_ROUNDS ?? 2);
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const FAILURES_A_ROUND = 4;

const random = seededRandom(SEED);

interface Sent {
  id: string;
  alert: string;
  event: string;
  at: number;
  /** Whether all of a 200 was handed to the system. */
  acknowledged: boolean;
}

test(`alerts through ${ROUNDS} rounds of kill -9 (seed ${SEED})`, { timeout: 120_000 + ROUNDS * 30_000 }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-alerts-'));
  fs.chmodSync(dir, 0o755);
  // The machine does not crash here, so fsync may stay off; a commit must be in the system's hands all the same.
  const settings = { synchronous_commit: 'on' };
  const startPostgres = (port: number) =>
    startEmbedded({ dir: path.join(dir, 'postgres'), port, durable: false, settings });
  let postgres = await startPostgres(0);
  const { url } = postgres;
  // Backends of a server that was killed end a moment after it; until then PostgreSQL refuses to start beside them.
  const startAgain = () =>
    until(
      'PostgreSQL starts again',
      () =>
        startPostgres(Number(new URL(url).port)).catch((error: Error) => {
          if (!error.message.includes('pre-existing shared memory block')) throw error;
          return undefined;
        }),
      30_000,
    );
  const ask = async (sql: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows;
    } finally {
      await client.end();
    }
  };
  const migrating = new pg.Client({ connectionString: url });
  await migrating.connect();
  await migrateUp(migrating, [readSet('beacon', SQL_DIR)]);
  await migrating.end();

  const sent: Sent[] = [];
  const receiver = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part;
    const { type, data } = JSON.parse(text) as { type: string; data: { delivery_id: string; fingerprint: string } };
    assert.equal(request.headers['webhook-id'], data.delivery_id);
    const one: Sent = {
      ...{ id: data.delivery_id, alert: data.fingerprint, event: type, at: Date.now(), acknowledged: false },
    };
    sent.push(one);
    const luck = random();
    if (luck < 0.25) response.writeHead(500).end();
    else if (luck < 0.5) request.socket.destroy();
    else {
      response.on('finish', () => {
        one.acknowledged = true;
      });
      setTimeout(() => response.writeHead(200).end(), random() * 50);
    }
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  await ask(`select beacon.alert_target('receiver', 'webhook', $1)`, [at]);
  await ask(
    `insert into beacon.alert_rules (name, query, params, fingerprint, within_time, every, targets)
     values ('failed', 'spans', '{"status": "failed"}', '{service}', '1 hour', '100 ms', '{receiver}')`,
  );

  let beacon = await startBeacon(url);
  after(async () => {
    beacon.child.kill('SIGKILL');
    receiver.closeAllConnections();
    receiver.close();
    await postgres.stop('immediate');
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const failures: string[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    for (let n = 0; n < FAILURES_A_ROUND; n++) failures.push(`service-${round}-${n}`);
    await ask(
      `insert into beacon.trace_spans (trace_id, span_id, service, operation, kind, status, started_at, completed_at, duration_ms, metadata)
       select gen_random_uuid(), decode(left(md5(s), 16), 'hex'), s, 'work', 'internal', 'failed', now(), now(), 1, '{}'
       from unnest($1::text[]) s`,
      [failures.slice(-FAILURES_A_ROUND)],
    );
    await new Promise((resolve) => setTimeout(resolve, random() * 1500));
    if (random() < 0.5) {
      beacon.child.kill('SIGKILL');
      await once(beacon.child, 'exit');
      // What it had taken is due when its lease is over: the test does not wait a minute for that.
      await ask('update beacon.alert_deliveries set due_at = now() where acknowledged_at is null');
      beacon = await startBeacon(url);
    } else {
      process.kill(postgres.pid, 'SIGKILL');
      await postgres.exited();
      postgres = await startAgain();
    }
  }
  const waiting = (event: string) =>
    until(
      `every failure is acknowledged as ${event}`,
      async () => {
        const [row] = await ask(
          `select count(distinct a.fingerprint)::integer as n from beacon.alerts a join beacon.alert_deliveries d on d.alert_id = a.id
           where d.event = $1 and d.acknowledged_at is not null`,
          [event],
        );
        // Pauses after failed attempts are cut short; what is on its way has a lease, which ends within a minute.
        await ask(
          `update beacon.alert_deliveries set due_at = now() where acknowledged_at is null
             and (due_at between now() + interval '1 second' and now() + interval '35 seconds' or due_at > now() + interval '61 seconds')`,
        );
        return row?.n === failures.length;
      },
      120_000,
    ).catch(async (error: Error) => {
      const state = await ask(
        `select d.event, count(*) as n, count(d.acknowledged_at) as acknowledged, max(d.attempts) as attempts, min(d.due_at) - now() as due,
           (select count(*) from beacon.alerts) as alerts, (select count(*) from beacon.alerts where resolved_at is null) as open,
           (select jsonb_agg(r.last_error) from beacon.alert_rules r) as rules, max(d.last_error) as last_error
         from beacon.alert_deliveries d group by 1`,
      );
      throw new Error(`${error.message} ${JSON.stringify(state)}`);
    });
  await waiting('firing');
  await ask('delete from beacon.trace_spans');
  await waiting('resolved');
  await beacon.stop();

  const deliveries = await ask(
    `select d.id, d.event, a.fingerprint, extract(epoch from d.acknowledged_at)::double precision * 1000 as at
     from beacon.alert_deliveries d join beacon.alerts a on a.id = d.alert_id`,
  );
  assert.equal(deliveries.length, 2 * failures.length, 'one message a failure and event');
  for (const { id, event, fingerprint, at: noted } of deliveries) {
    const those = sent.filter((one) => one.id === id);
    assert.ok(
      those.some(({ acknowledged }) => acknowledged),
      `${event} of ${fingerprint} was acknowledged by its receiver`,
    );
    const later = those.filter((one) => one.at > noted + 1);
    assert.deepEqual(later, [], `${event} of ${fingerprint} was sent after its acknowledgement was noted`);
  }
  const repeats = sent.filter((one, n) => sent.slice(0, n).some((other) => other.id === one.id && other.acknowledged));
  t.diagnostic(
    `${deliveries.length} messages, sent ${sent.length} times; ${repeats.length} of them again because the server died before it could note the answer`,
  );
});
