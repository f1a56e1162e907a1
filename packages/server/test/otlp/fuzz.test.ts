// Whatever arrives: an answer of the protocol, at once, and never a failure of ours. FUZZ_INPUTS=20000 runs it long,
// FUZZ_SEED repeats a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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

const run = { numRuns: Math.ceil(INPUTS / 3), seed: SEED };

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

test(`mutated, bent and arbitrary requests (seed ${SEED})`, { timeout: 120_000 + INPUTS * 50 }, async () => {
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
  const grown = (process.memoryUsage().rss - warm) / 1e6;
  assert.ok(grown < 150, `memory grew by ${grown.toFixed(0)} MB`);
  assert.deepEqual(server.warnings, []);
  assert.equal(server.ingest.counters.refused.internal, undefined);
  assert.equal(server.ingest.gauges().queueBytes, 0);
});
