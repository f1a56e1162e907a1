import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { resourceRow, writeBatch } from '@project-beacon/writer';
import { row } from './row.ts';

const { client } = await testDatabase();

async function stored(spanId: string) {
  const { rows } = await client.query(
    `select *, encode(span_id, 'hex') as id, encode(parent_span_id, 'hex') as parent,
       to_char(started_at at time zone 'UTC', 'SS.US') as micros
     from trace_spans where span_id = decode($1, 'hex')`,
    [spanId],
  );
  assert.equal(rows.length, 1);
  return rows[0];
}

async function summary(traceId: string) {
  const { rows } = await client.query('select * from traces where trace_id = $1', [traceId]);
  return rows[0];
}

test('a span comes back from the table as it went in, to the nanosecond', async () => {
  const resource = resourceRow({
    attributes: { 'service.name': 'checkout', 'host.name': 'a' },
    scopeName: 'shop',
    scopeVersion: '1.2',
    otel: null,
  });
  const span = row({
    parentSpanId: '00f067aa0ba902b7',
    kind: 'client',
    status: 'failed',
    executionId: '9007199254740993',
    jobId: '469',
    modelId: 'llama-3.2-1b',
    region: 'eu-west',
    errorType: 'ECONNREFUSED',
    errorMessage: 'connect failed:\n\tsecond line \\ and "quotes"',
    attributes: { 'url.full': 'http://x/\\N\t', count: 3, ok: true, list: ['a', 'ü', '😀'] },
    events: [{ name: 'exception', time: [1_700_000_000, 5], attributes: { 'exception.type': 'Error' } }],
    links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', attributes: { why: 'retry' } }],
    traceState: 'vendor=1',
    otel: { dropped_attributes: 2 },
    resource,
    flags: 0x101,
  });
  assert.deepEqual(await writeBatch(client, [span]), { written: 1, open: 0, duplicates: 0, repaired: 0 });
  const found = await stored(span.spanId);
  assert.equal(found.trace_id.replaceAll('-', ''), span.traceId);
  assert.equal(found.parent, '00f067aa0ba902b7');
  assert.equal(found.micros.slice(2), '.123456');
  assert.equal(found.started_ns, 789);
  assert.equal(found.duration_ms, 12.345678);
  assert.equal(found.execution_id, '9007199254740993');
  assert.equal(found.error_message, span.errorMessage);
  assert.deepEqual(found.metadata, span.attributes);
  assert.deepEqual(found.events, [
    { name: 'exception', time: '1700000000000000005', attributes: { 'exception.type': 'Error' } },
  ]);
  assert.deepEqual(found.links, [
    { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', attributes: { why: 'retry' } },
  ]);
  assert.deepEqual(found.otel, { dropped_attributes: 2 });
  assert.equal(found.resource_id, resource.id);
  const { rows } = await client.query('select * from trace_resources where resource_id = $1', [resource.id]);
  assert.deepEqual(rows[0].attributes, resource.attributes);
  assert.equal(rows[0].scope_name, 'shop');
  const executions = await client.query('select trace_id from trace_executions where execution_id = 9007199254740993');
  assert.equal(executions.rows.length, 1);
});

test('a batch that was committed already is neither stored nor counted twice', async () => {
  const traceId = row().traceId;
  const spans = [row({ traceId }), row({ traceId, status: 'failed', parentSpanId: '00f067aa0ba902b7' })];
  await writeBatch(client, spans);
  const fresh = row({ traceId, parentSpanId: '00f067aa0ba902b7', service: 'ledger' });
  assert.deepEqual(await writeBatch(client, [...spans, fresh]), { written: 1, open: 0, duplicates: 2, repaired: 0 });
  const { span_count, error_count, open_count, services } = await summary(traceId);
  assert.deepEqual({ span_count, error_count, open_count }, { span_count: 3, error_count: 1, open_count: 0 });
  assert.deepEqual(services.sort(), ['checkout', 'ledger']);
});

test('the same span twice in one batch is one row', async () => {
  const span = row();
  assert.deepEqual(await writeBatch(client, [span, { ...span }]), { written: 1, open: 0, duplicates: 1, repaired: 0 });
  assert.equal((await summary(span.traceId)).span_count, 1);
});

test('a started span is completed in place', async () => {
  const open = row({ status: 'started', end: null, operation: 'GET' });
  await writeBatch(client, [open]);
  assert.equal((await summary(open.traceId)).open_count, 1);
  const ended = { ...open, status: 'failed' as const, end: row().end, operation: 'GET /route', update: true };
  await writeBatch(client, [ended]);
  const found = await stored(open.spanId);
  assert.equal(found.status, 'failed');
  assert.equal(found.operation, 'GET /route');
  const { span_count, error_count, open_count, root_operation } = await summary(open.traceId);
  assert.deepEqual(
    { span_count, error_count, open_count, root_operation },
    { span_count: 1, error_count: 1, open_count: 0, root_operation: 'GET /route' },
  );
});

test('a late "started" does not undo an end', async () => {
  const span = row();
  await writeBatch(client, [span]);
  const late = { ...span, status: 'started' as const, end: null };
  assert.deepEqual(await writeBatch(client, [late]), { written: 0, open: 0, duplicates: 1, repaired: 0 });
  assert.equal((await stored(span.spanId)).status, 'completed');
  assert.equal((await summary(span.traceId)).open_count, 0);
});

test('a span given up as lost that ends after all is completed, and says that it was lost', async () => {
  const open = row({ status: 'started', end: null });
  await writeBatch(client, [open]);
  await client.query(`update trace_spans set status = 'lost' where trace_id = $1`, [open.traceId]);
  await client.query('update traces set open_count = 0, error_count = 1 where trace_id = $1', [open.traceId]);
  await writeBatch(client, [{ ...open, status: 'completed', end: row().end, update: true }]);
  const found = await stored(open.spanId);
  assert.equal(found.status, 'completed');
  assert.deepEqual(found.otel, { was_lost: true });
  const { span_count, error_count, open_count } = await summary(open.traceId);
  assert.deepEqual({ span_count, error_count, open_count }, { span_count: 1, error_count: 0, open_count: 0 });
});

test('an end whose start was never stored is a new row', async () => {
  const span = row({ update: true });
  assert.deepEqual(await writeBatch(client, [span]), { written: 1, open: 0, duplicates: 0, repaired: 0 });
  const { span_count, open_count } = await summary(span.traceId);
  assert.deepEqual({ span_count, open_count }, { span_count: 1, open_count: 0 });
});

test('what fails leaves nothing behind', async () => {
  const good = row({ executionId: '77' });
  await assert.rejects(writeBatch(client, [good, row({ spanId: 'xyz' })]));
  assert.equal((await client.query('select from trace_spans where trace_id = $1', [good.traceId])).rowCount, 0);
  assert.equal(await summary(good.traceId), undefined);
  await writeBatch(client, [good]);
  assert.equal((await summary(good.traceId)).span_count, 1);
});
