import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { unpack } from '../../../web/src/trace/wire.ts';
import { serve } from './server.ts';

const database = await testDatabase();
const server = await serve(database);

test('a trace is given as columns, with what is true of all of it', async () => {
  const { traceId, executionId } = await draw(
    database.client,
    `
    web GET /cart         |====================| kind=server region=eu-west
      web POST            | ==================x| kind=client error=504 message="gave up"
        cart POST /items  |      =========x    | kind=server error=timeout
          cart db.query   |       =======?     |
      lost consume        |    ==              | kind=consumer orphan
    `,
    { job: '471' },
  );
  const { status, body } = await server.ask(`/api/v1/trace-columns?trace_id=${traceId}`);
  assert.equal(status, 200);
  const { columns, header, services, ...trace } = unpack(body);
  const said = columns.id.map((_, n) => {
    const service = services[columns.service[n] as number]?.name;
    return `${'  '.repeat(columns.depth[n] as number)}${service} ${trace.names[columns.name[n] as number]}`;
  });
  assert.deepEqual(said, [
    'web GET /cart',
    '  web POST',
    '    cart POST /items',
    '      cart db.query',
    'lost consume',
  ]);
  assert.deepEqual(columns.self_us, [10_000, 90_000, 10_000, 130_000, 20_000]);
  const errors = columns.error.map((number) => trace.errors[number] ?? null);
  assert.deepEqual(errors, [null, { type: '504', message: 'gave up' }, { type: 'timeout', message: null }, null, null]);
  assert.deepEqual(header, {
    execution_id: String(executionId),
    job_id: '471',
    model_id: null,
    region: 'eu-west',
    span_count: 5,
    error_count: 3,
    orphan_count: 1,
    corrected_clock_ms: {},
  });
  assert.equal(trace.duration_ms, 200);
  assert.deepEqual(trace.traces_of_execution, [traceId]);
});

test('an execution is its newest attempt, and names all of them', async () => {
  const first = await draw(database.client, 'app work |=x|', { execution: 77, at: new Date(Date.now() - 60_000) });
  const second = await draw(database.client, 'app work |==|', { execution: 77, at: new Date(Date.now() - 30_000) });
  const { body } = await server.ask('/api/v1/trace-columns?execution_id=77');
  assert.equal(body.trace_id, second.traceId);
  assert.deepEqual(body.traces_of_execution, [first.traceId, second.traceId]);
});

test('a trace at rest is not sent twice; one that grows has no tag', async () => {
  const { traceId } = await draw(database.client, 'app work |==|\n  app step |=|');
  const address = `/api/v1/trace-columns?trace_id=${traceId}`;
  const etag = (await server.ask(address)).headers.get('etag');
  assert.ok(etag);
  assert.equal((await server.ask(address, { headers: { 'if-none-match': etag } })).status, 304);
  const growing = await draw(database.client, 'app work |==>|');
  const { headers, body } = await server.ask(`/api/v1/trace-columns?trace_id=${growing.traceId}`);
  assert.equal(headers.get('etag'), null);
  assert.deepEqual([body.columns.status, body.columns.duration_us], ['4', [-1]]);
});

test('a further attempt changes what an earlier one is answered with', async () => {
  const first = await draw(database.client, 'app work |=x|', { execution: 78, at: new Date(Date.now() - 60_000) });
  const address = `/api/v1/trace-columns?trace_id=${first.traceId}`;
  const etag = (await server.ask(address)).headers.get('etag') ?? '';
  const second = await draw(database.client, 'app work |==|', { execution: 78, at: new Date(Date.now() - 30_000) });
  const again = await server.ask(address, { headers: { 'if-none-match': etag } });
  assert.deepEqual(again.body.traces_of_execution, [first.traceId, second.traceId]);
});

test('what is not there is said, and how to ask rightly', async () => {
  const missing = await server.ask(`/api/v1/trace-columns?trace_id=${'0'.repeat(32)}`);
  assert.deepEqual([missing.status, missing.body.code], [404, 'not_found']);
  assert.equal((await server.ask('/api/v1/trace-columns')).status, 400);
});
