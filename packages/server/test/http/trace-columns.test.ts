import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { serve } from './server.ts';

const database = await testDatabase();
const server = await serve(database);

const PICTURE = `
web GET /cart         |====================| kind=server region=eu-west
  web POST            | ==================x| kind=client error=504 message="gave up"
    cart POST /items  |      =========x    | kind=server error=timeout
      cart db.query   |       =======?     |
  lost consume        |    ==              | kind=consumer orphan
`;
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['completed', 'failed', 'timeout', 'lost', 'started'];

test('columns say of every span what the tree says, in its order', async () => {
  const { traceId, executionId } = await draw(database.client, PICTURE, { job: '471' });
  const { status, body } = await server.ask(`/api/v1/trace-columns?trace_id=${traceId}`);
  const { rows } = await database.client.query('select t.*, beacon.span_note(t) as note from beacon.trace_tree($1) t', [
    traceId,
  ]);
  assert.equal(status, 200);
  const { columns } = body;
  assert.equal(columns.id.length, 16 * rows.length);
  const has = (pairs: number[], row: number) => pairs.some((at, n) => n % 2 === 0 && at === row);
  const valueAt = (pairs: number[], row: number) => pairs[pairs.findIndex((at, n) => n % 2 === 0 && at === row) + 1];
  const said = rows.map((_, n) => ({
    span: columns.id.slice(16 * n, 16 * n + 16),
    parent: columns.parent[n] === 0 ? -1 : n - columns.parent[n],
    what: `${body.services[columns.service[n]].name} ${body.names[columns.name[n]]}`,
    from: columns.start_us[n],
    lasts: columns.duration_us[n],
    self: columns.self_us[n],
    status: STATUSES[Number(columns.status[n])],
    kind: KINDS[Number(columns.kind[n])],
    error: has(columns.error, n) ? body.errors[valueAt(columns.error, n) as number] : null,
    note: has(columns.note, n) ? body.notes[valueAt(columns.note, n) as number] : null,
  }));
  const wanted = rows.map((row) => ({
    span: row.span_id.toString('hex'),
    parent: (row.parent_position ?? 0) - 1,
    what: `${row.service} ${row.operation}`,
    from: Math.round(row.offset_ms * 1000),
    lasts: row.status === 'started' ? -1 : Math.round(row.duration_ms * 1000),
    self: Math.round(row.self_ms * 1000),
    status: row.status,
    kind: row.kind,
    error: [row.error_type, row.error_message].filter(Boolean).join(': ') || null,
    note: row.note,
  }));
  assert.deepEqual(said, wanted);
  const { rows: path } = await database.client.query('select distinct position from beacon.critical_path($1)', [
    traceId,
  ]);
  assert.deepEqual(
    columns.critical,
    rows.filter((row) => path.some(({ position }) => position === row.position)).map((row) => row.position - 1),
  );
  assert.deepEqual(
    { ...body.header, corrected_clock_ms: {} },
    {
      execution_id: String(executionId),
      job_id: '471',
      model_id: null,
      region: 'eu-west',
      span_count: 5,
      error_count: 3,
      orphan_count: 1,
      corrected_clock_ms: {},
    },
  );
  assert.deepEqual(body.traces_of_execution, [traceId]);
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

test('a large trace at rest is answered from what was made before, until it grows', async () => {
  const picture = Array.from({ length: 7000 }, (_, n) => `app step${n} |=|`).join('\n');
  const { traceId } = await draw(database.client, picture);
  const address = `/api/v1/trace-columns?trace_id=${traceId}`;
  const first = await server.ask(address);
  assert.ok(JSON.stringify(first.body).length > 256 * 1024, 'large enough to be kept');
  assert.deepEqual((await server.ask(address)).body, first.body);
  await database.client.query('delete from trace_spans where trace_id = $1 and operation = $2', [traceId, 'step7']);
  assert.deepEqual((await server.ask(address)).body, first.body, 'kept while the summary says the same');
  await database.client.query('select recount_traces(array[$1]::uuid[])', [traceId]);
  assert.equal((await server.ask(address)).body.header.span_count, 6999);
});

test('what is not there is said, and how to ask rightly', async () => {
  const missing = await server.ask(`/api/v1/trace-columns?trace_id=${'0'.repeat(32)}`);
  assert.deepEqual([missing.status, missing.body.code], [404, 'not_found']);
  assert.equal((await server.ask('/api/v1/trace-columns')).status, 400);
});
