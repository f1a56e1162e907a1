import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

test('with SENTRY_DSN an error is reported with the trace id of its request', async () => {
  const received = Promise.withResolvers<string>();
  const sentry = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const envelope = Buffer.concat(chunks).toString();
    if (envelope.includes('"exception"')) received.resolve(envelope);
    response.end('{}');
  });
  await new Promise<void>((resolve) => sentry.listen(0, '127.0.0.1', resolve));
  after(() => sentry.close());
  const port = (sentry.address() as AddressInfo).port;

  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../src/main.ts')], {
    env: {
      ...process.env,
      PORT: '0',
      PROVIDERS: '[]',
      SENTRY_DSN: `http://public@127.0.0.1:${port}/1`,
      ENABLE_DB_TRACING: 'true',
      // Nothing listens there: reporting needs a trace id, not a database.
      DATABASE_URL: 'postgresql://127.0.0.1:1/none',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  let address = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; port: number };
    if (said.msg !== 'listening') continue;
    address = `http://127.0.0.1:${said.port}`;
    break;
  }
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const response = await fetch(`${address}/inference`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    body: JSON.stringify({ model: 'm', region: 'r', question: 'q' }),
  });
  assert.equal(response.status, 503);
  const event = JSON.parse((await received.promise).split('\n')[2] ?? '{}');
  assert.equal(event.contexts.trace.trace_id, traceId);
  assert.deepEqual([event.tags.service, event.tags.trace_id], ['router', traceId]);
  assert.match(event.exception.values[0].value, /No provider is configured in r/);
});
