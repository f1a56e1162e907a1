import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { type SpanRow, writeBatch } from '@project-beacon/writer';
import { row } from './row.ts';

const { client } = await testDatabase();

async function stored(changes: Partial<SpanRow>) {
  const span = row(changes);
  const result = await writeBatch(client, [span]);
  assert.equal(result.written, 1);
  const { rows } = await client.query(`select * from trace_spans where span_id = decode($1, 'hex')`, [span.spanId]);
  return { ...rows[0], repaired: result.repaired };
}

test('U+0000 is replaced in text, in attributes, in their names and in events, and that is said', async () => {
  const found = await stored({
    operation: 'a\u0000b',
    errorMessage: '\u0000',
    attributes: { 'x\u0000': 1, y: 'a\u0000b\u0000', z: ['\u0000'] },
    events: [{ name: 'e\u0000', time: [1, 2], attributes: { message: '\u0000' } }],
  });
  assert.equal(found.operation, 'a\ufffdb');
  assert.equal(found.error_message, '\ufffd');
  assert.deepEqual(found.metadata, { 'x\ufffd': 1, y: 'a\ufffdb\ufffd', z: ['\ufffd'] });
  assert.equal(found.events[0].name, 'e\ufffd');
  const words = found.otel.repairs.join('\n');
  for (const place of ['operation', 'error_message', 'metadata.y', 'metadata.z[0]', 'events[0].name']) {
    assert.ok(words.includes(`${place}: U+0000`), `${place} is named in ${words}`);
  }
  assert.equal(found.repaired, 1);
});

test('text that only looks like an escape is kept as it is', async () => {
  const attributes = { path: 'C:\\u0000\\N', tab: 'a\tb\nc\rd', quote: '"\\"', words: 'null \\. \\x00' };
  const found = await stored({ operation: 'a\\tb', attributes });
  assert.deepEqual(found.metadata, attributes);
  assert.equal(found.operation, 'a\\tb');
  assert.equal(found.otel, null);
  assert.equal(found.repaired, 0);
});

test('NaN, infinities and BigInt are kept as text, and that is said', async () => {
  const found = await stored({ attributes: { a: Number.NaN, b: [1, -Infinity], c: 2n ** 70n, d: 1.5, e: null } });
  assert.deepEqual(found.metadata, { a: 'NaN', b: [1, '-Infinity'], c: '1180591620717411303424', d: 1.5, e: null });
  assert.equal(found.otel.repairs.length, 3);
});

test('lone surrogates become U+FFFD, pairs stay', async () => {
  const found = await stored({ service: '\ud83d', attributes: { a: '\udc00x', b: '😀' } });
  assert.equal(found.service, '\ufffd');
  assert.deepEqual(found.metadata, { a: '\ufffdx', b: '😀' });
  assert.equal(found.otel.repairs.length, 2);
});

test('cycles, functions, getters that throw and bottomless objects are cut, the rest is kept', async () => {
  const cycle: Record<string, unknown> = { name: 'loop' };
  cycle.self = cycle;
  let deep: unknown = 'end';
  for (let i = 0; i < 50; i++) deep = { deep };
  const trap = Object.defineProperty({ fine: 1 }, 'bad', {
    enumerable: true,
    get() {
      throw new Error('no');
    },
  });
  const found = await stored({ attributes: { cycle, work: () => 1, trap, deep, ok: true } });
  assert.deepEqual(found.metadata.cycle, { name: 'loop', self: '[circular]' });
  assert.deepEqual(found.metadata.trap, { fine: 1 });
  assert.equal('work' in found.metadata, false);
  assert.equal(found.metadata.ok, true);
  const words = found.otel.repairs.join('\n');
  assert.match(words, /a cycle is cut/);
  assert.match(words, /metadata\.trap\.bad: unreadable \(no\)/);
  assert.match(words, /metadata\.work: a value of type function is left out/);
  assert.match(words, /deeper than 16 levels/);
});

test('a value of 10 MB is cut, with both lengths in words', async () => {
  const found = await stored({ attributes: { body: 'x'.repeat(10_000_000), next: 'kept' } });
  assert.equal(found.metadata.body.length, 65_536);
  assert.equal(found.metadata.next, 'kept');
  assert.deepEqual(found.otel.repairs, ['metadata.body: truncated from 10000000 to 65536 characters']);
});

test('many large values together stay within a megabyte or so', async () => {
  const attributes = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`a${i}`, 'y'.repeat(60_000)]));
  const found = await stored({ attributes });
  assert.ok(JSON.stringify(found.metadata).length < 1_200_000);
  assert.match(found.otel.repairs.at(-1), /and \d+ more/);
});

test('bytes are kept as base64', async () => {
  const found = await stored({ attributes: { key: new Uint8Array([1, 2, 255]) } });
  assert.equal(found.metadata.key, 'AQL/');
});

test('names too long for an index are cut at a whole character, whatever their script', async () => {
  const found = await stored({
    status: 'failed',
    service: 'é'.repeat(5_000),
    jobId: '漢'.repeat(5_000),
    operation: '😀'.repeat(2_000),
    executionKey: 'ü'.repeat(3_000),
  });
  assert.ok(Buffer.byteLength(found.service) <= 512 && /^é+$/.test(found.service));
  assert.ok(Buffer.byteLength(found.job_id) <= 2_000 && /^漢+$/.test(found.job_id));
  assert.ok(/^(😀)+$/u.test(found.operation));
  assert.ok(Buffer.byteLength(found.execution_key) <= 2_000 && /^ü+$/.test(found.execution_key));
  assert.match(found.otel.repairs[0], /truncated from 10000 to 512 bytes/);
});

test('random names of full length fit into every index', async () => {
  const random = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(0x4e00 + Math.random() * 20_000)).join('');
  for (let i = 0; i < 20; i++) {
    await stored({
      status: 'failed',
      service: random(900),
      jobId: random(900),
      operation: random(900),
      executionKey: random(900),
    });
  }
});

test('times beyond their range are carried over', async () => {
  const found = await stored({ start: [1_700_000_000, 1_999_999_999], end: [1_700_000_002, -1] });
  assert.equal(found.started_at.toISOString(), '2023-11-14T22:13:21.999Z');
  assert.equal(found.duration_ms, 0);
});
