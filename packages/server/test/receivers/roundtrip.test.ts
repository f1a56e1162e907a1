// What is sent comes back, field by field, whichever encoding it was sent and read in, over HTTP both ways.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { testDatabase } from '@project-beacon/testkit';
import { pino } from 'pino';
import { tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { httpApp, LOOPBACK } from '../../src/http/app.ts';
import { createPool } from '../../src/store/connect.ts';
import { otlpServer } from './server.ts';
import { plain, shapes } from './shapes.ts';
import type { Json } from './spans.ts';

const database = await testDatabase();
const server = await otlpServer(database);
const pool = createPool(database.url, { applicationName: 'test', max: 2 });
// Without maintenance, which would accept spans of the past for expired.
const api = await httpApp({ logger: pino({ level: 'silent' }), hosts: LOOPBACK });
tempoRoutes(api, pool, { prefix: '/tempo' });
const address = await api.listen({ host: '127.0.0.1', port: 0 });
after(async () => {
  await api.close();
  await pool.end();
});

async function read(traceId: string, accept: string): Promise<Buffer> {
  const response = await fetch(`${address}/tempo/api/traces/${traceId}`, { headers: { accept } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type')?.replace(/;.*/, ''), accept);
  return Buffer.from(await response.arrayBuffer());
}

for (const encoding of ['protobuf', 'json'] as const) {
  test(`every shape of a span, sent as ${encoding}, comes back as it was`, async () => {
    const all = shapes(encoding);
    assert.ok(all.length >= 300, `${all.length} shapes`);
    const traces: { traceId: string; sent: Json }[] = [];
    for (let i = 0; i < all.length; i += 25) {
      const some = all.slice(i, i + 25);
      const traceId = randomBytes(16).toString('hex');
      const sent = { resourceSpans: some.map((shape) => shape(traceId)) };
      const response = await server.post(encoding === 'json' ? exactJson(sent) : encodeMessage(TRACES, sent).bytes);
      assert.equal(response.status, 200);
      assert.equal((await response.arrayBuffer()).byteLength, encoding === 'json' ? 2 : 0, 'nothing was rejected');
      traces.push({ traceId, sent });
    }
    for (const { traceId, sent } of traces) {
      const expected = plain(sent);
      const json = (await read(traceId, 'application/json')).toString('utf8');
      assert.deepEqual(plain(JSON.parse(json)), expected, 'as JSON');
      assert.deepEqual(plain(unpack(TRACES, await read(traceId, 'application/protobuf'))), expected, 'as protobuf');
    }
  });
}

/** JSON.stringify drops the sign of minus nothing. */
function exactJson(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_key, item) => (Object.is(item, -0) ? rawJSON('-0') : item));
}
