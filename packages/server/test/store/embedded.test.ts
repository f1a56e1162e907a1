import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { type Embedded, startEmbedded } from '@project-beacon/server/store/embedded.ts';
import pg from 'pg';

const isRoot = process.getuid?.() === 0;
const EMBEDDED = path.join(import.meta.dirname, '../../src/store/embedded.ts');
const nobody = { uid: 65534, gid: 65534 };
const readableByAll =
  isRoot &&
  spawnSync(process.execPath, ['-e', `fs.readFileSync(${JSON.stringify(EMBEDDED)})`], { ...nobody, cwd: '/' })
    .status === 0;

function folder(mode: number): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-embedded-'));
  fs.chmodSync(dir, mode);
  after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

/** Starts a server from another process, which prints its url and pid and stays. */
async function startElsewhere(dir: string, ids: { uid?: number; gid?: number }) {
  const script = `import { startEmbedded } from ${JSON.stringify(EMBEDDED)};
    const { url, pid } = await startEmbedded({ dir: ${JSON.stringify(dir)}, port: 0, durable: false });
    console.log(JSON.stringify({ url, pid }));
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    ...ids,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = once(child, 'exit').then(() => assert.fail(`The starter ended: ${errors}`));
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
  return { child, ...(JSON.parse(String(line)) as { url: string; pid: number }) };
}

test('a second start finds the data of the first, and a busy port is replaced', async () => {
  const dir = path.join(folder(0o755), 'postgres');
  const first = await startEmbedded({ dir, port: 0, durable: false });
  await ask(first.url, 'create table kept as select 42 as answer');
  await first.stop();

  const blocker = net.createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as net.AddressInfo;
  const said: string[] = [];
  const second = await startEmbedded({ dir, port, durable: false, say: (line) => said.push(line) });
  try {
    assert.equal(await ask(second.url, 'select answer from kept'), 42);
    assert.notEqual(second.port, port);
    assert.deepEqual(said, [`Port ${port} is busy: PostgreSQL listens on ${second.port} instead.`]);
    assert.equal(await ask(second.url, 'select rolsuper from pg_roles where rolname = current_user'), false);
  } finally {
    await second.stop('immediate');
    blocker.close();
  }
});

test('two starts at once on a new folder end with one server', async () => {
  const dir = path.join(folder(0o755), 'postgres');
  const both: Embedded[] = await Promise.all([
    startEmbedded({ dir, port: 0, durable: false }),
    startElsewhere(dir, {}).then(async ({ child }) => {
      child.kill('SIGKILL');
      return startEmbedded({ dir, port: 0, durable: false });
    }),
  ]);
  try {
    assert.equal(both[0]?.pid, both[1]?.pid);
    assert.deepEqual(fs.readdirSync(dir).sort(), ['cluster', 'server.log']);
  } finally {
    await both[0]?.stop('immediate');
  }
});

test('a server whose supervisor was killed is used again, and can be stopped', async () => {
  const dir = path.join(folder(0o755), 'postgres');
  const left = await startElsewhere(dir, {});
  left.child.kill('SIGKILL');
  await once(left.child, 'close');
  const found = await startEmbedded({ dir, port: 0, durable: false });
  assert.equal(found.pid, left.pid);
  assert.equal(found.url, left.url);
  await found.stop('immediate');
  await found.exited();
  assert.throws(() => process.kill(left.pid, 0), { code: 'ESRCH' });
});

test('an initdb that was killed half way does not spoil the folder', async () => {
  const dir = path.join(folder(0o755), 'postgres');
  const dead = spawnSync(process.execPath, ['--version']).pid;
  fs.mkdirSync(path.join(dir, `cluster.${dead}`), { recursive: true });
  fs.writeFileSync(path.join(dir, `cluster.${dead}`, 'PG_VERSION'), '18\n');
  const server = await startEmbedded({ dir, port: 0, durable: false });
  assert.equal(await ask(server.url, 'select 1'), 1);
  assert.deepEqual(fs.readdirSync(dir).sort(), ['cluster', 'server.log']);
  await server.stop('immediate');
});

test('root starts it in a folder that only root may enter', { skip: !isRoot && 'needs root' }, async () => {
  const dir = path.join(folder(0o700), 'postgres');
  const said: string[] = [];
  const server = await startEmbedded({ dir, port: 0, durable: false, say: (line) => said.push(line) });
  after(() => fs.rmSync(server.dataDir, { recursive: true, force: true }));
  try {
    assert.equal(await ask(server.url, 'select current_database()'), 'beacon');
    assert.notEqual(server.dataDir, dir);
    assert.equal(fs.readFileSync(path.join(dir, 'MOVED'), 'utf8'), `${server.dataDir}\n`);
    assert.ok(said.some((line) => line.includes(`files are in ${server.dataDir}`)));
  } finally {
    await server.stop('immediate');
  }
});

test('an ordinary user starts it, and is told when the folder is not his', {
  skip: (!isRoot && 'needs root') || (!readableByAll && 'an ordinary user cannot read this checkout'),
}, async () => {
  const parent = folder(0o755);
  fs.chownSync(parent, nobody.uid, nobody.gid);
  const dir = path.join(parent, 'postgres');
  const started = await startElsewhere(dir, nobody);
  assert.equal(await ask(started.url, 'select 1'), 1);
  started.child.kill('SIGKILL');
  process.kill(started.pid, 'SIGQUIT');

  const foreign = folder(0o755);
  fs.mkdirSync(path.join(foreign, 'postgres'));
  await assert.rejects(
    startElsewhere(path.join(foreign, 'postgres'), nobody),
    /belongs to another user \(uid 0\)\. Start as root/,
  );
});
