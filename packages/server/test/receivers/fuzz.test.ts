// Whatever arrives: an answer of the protocol, at once, and never a failure of ours. `npm run test:long` takes 20,000
// inputs (FUZZ_INPUTS), FUZZ_SEED repeats a run.
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { after, test } from 'node:test';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { otlpServer } from './server.ts';
import { shapes } from './shapes.ts';
import type { Json } from './spans.ts';

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 900);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const SLOWEST_MS = 5_000;

const database = await testDatabase();
const server = await otlpServer(database);
const samples = shapes('fuzz').map((shape) => {
  const json = { resourceSpans: [shape('0123456789abcdef0123456789abcdef')] };
  return { json, bytes: encodeMessage(TRACES, json).bytes };
});

const POSSIBLE = new Set([200, 400, 413, 415, 429]);

async function take(body: Buffer | string, headers: Record<string, string> = {}): Promise<void> {
  const started = performance.now();
  const response = await server.post(body, headers);
  await response.arrayBuffer();
  assert.ok(POSSIBLE.has(response.status), `status ${response.status}`);
  assert.ok(performance.now() - started < SLOWEST_MS, 'it took too long');
}

const run = { numRuns: Math.ceil(INPUTS / 4), seed: SEED };

const session = http2.connect(`http://127.0.0.1:${server.grpcPort}`);
after(() => session.destroy());
// INVALID_ARGUMENT and RESOURCE_EXHAUSTED, besides success.
const POSSIBLE_CALL = new Set(['0', '3', '8']);

/** Sends parts of a body as a call; the answer's status is in its headers or in its trailers. */
async function takeCall(parts: Uint8Array[], packed: string | undefined): Promise<void> {
  const started = performance.now();
  const stream = session.request({
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    ...(packed && { 'grpc-encoding': packed }),
  });
  const status = await new Promise<string | undefined>((resolve, reject) => {
    let found: string | undefined;
    const look = (headers: http2.IncomingHttpHeaders) => (found ??= headers['grpc-status']?.toString());
    stream.on('response', look).on('trailers', look).on('error', reject);
    stream.on('close', () => resolve(found)).resume();
    for (const part of parts) stream.write(part);
    stream.end();
  });
  assert.ok(status !== undefined && POSSIBLE_CALL.has(status), `grpc-status ${status}`);
  assert.ok(performance.now() - started < SLOWEST_MS, 'it took too long');
}

const short = fc.uint8Array({ maxLength: 20 });
/** Prefixes that are true, nearly true, or anything, in pieces cut anywhere. */
const calls = fc.record({
  flag: fc.constantFrom(0, 1, 2, 255),
  sample: fc.nat(samples.length - 1),
  wrongBy: fc.constantFrom(0, 0, 0, 1, -1, 1_000, 2 ** 31),
  before: fc.oneof(fc.constant(new Uint8Array()), fc.constant(new Uint8Array()), short),
  cut: fc.nat(),
  packed: fc.constantFrom(undefined, 'gzip', 'identity', 'snappy'),
});

/** Bytes of a real request with some changed, cut out, doubled or put in. */
const mutated = fc
  .record({
    sample: fc.nat(samples.length - 1),
    edits: fc.array(
      fc.record({
        how: fc.nat(4),
        at: fc.nat(),
        length: fc.nat(40),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ sample, edits }) => {
    let bytes = Buffer.from(samples[sample]!.bytes);
    for (const { how, at, length, bytes: put } of edits) {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
      if (how === 0) bytes = Buffer.concat([head, put, tail.subarray(put.length)]);
      else if (how === 1) bytes = Buffer.concat([head, tail.subarray(length)]);
      else if (how === 2) bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
      else if (how === 3) bytes = Buffer.concat([head, put, tail]);
      else bytes = Buffer.from(head);
    }
    return bytes;
  });

/** A real request as JSON in which values anywhere are replaced by anything. */
const bent = fc
  .record({
    sample: fc.nat(samples.length - 1),
    at: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    put: fc.jsonValue(),
  })
  .map(({ sample, at, put }) => {
    const json = structuredClone(samples[sample]!.json) as unknown as Json;
    const places: [Json, string][] = [];
    const walk = (value: unknown): void => {
      if (value === null || typeof value !== 'object') return;
      for (const key of Object.keys(value)) {
        places.push([value as Json, key]);
        walk((value as Json)[key]);
      }
    };
    walk(json);
    for (const n of at) {
      const [parent, key] = places[n % places.length]!;
      parent[key] = put;
    }
    return JSON.stringify(json);
  });

test(`mutated, bent and arbitrary requests (seed ${SEED})`, { timeout: 120_000 + INPUTS * 50 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(mutated, (bytes) => take(bytes)),
    run,
  );
  await fc.assert(
    fc.asyncProperty(bent, (text) => take(text)),
    run,
  );
  const warm = process.memoryUsage().rss;
  const headers = fc.record(
    {
      'content-type': fc.constantFrom('application/json', 'application/x-protobuf', 'text/x'),
      'content-encoding': fc.constantFrom('gzip', 'identity', 'deflate', 'x'),
    },
    { requiredKeys: ['content-type'] },
  );
  const arbitrary = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.json(),
  );
  await fc.assert(
    fc.asyncProperty(arbitrary, headers, (body, sent) => take(body, sent)),
    run,
  );
  await fc.assert(
    fc.asyncProperty(calls, ({ flag, sample, wrongBy, before, cut, packed }) => {
      const { bytes } = samples[sample]!;
      const prefix = Buffer.alloc(5, flag);
      prefix.writeUInt32BE((bytes.length + wrongBy) >>> 0, 1);
      const body = Buffer.concat([before, prefix, bytes]);
      const at = cut % body.length;
      return takeCall([body.subarray(0, at), body.subarray(at)], packed);
    }),
    run,
  );
  const grown = (process.memoryUsage().rss - warm) / 1e6;
  t.diagnostic(
    `${4 * run.numRuns} inputs; memory ${(warm / 1e6).toFixed(0)} MB after half of them, then ${grown.toFixed(0)} MB more`,
  );
  assert.ok(grown < 150, `memory grew by ${grown.toFixed(0)} MB`);
  assert.deepEqual(server.warnings, []);
  assert.equal(server.ingest.counters.refused.internal, undefined);
  assert.equal(server.ingest.gauges().queueBytes, 0);
});
