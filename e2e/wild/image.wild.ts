// The image of deploy/Containerfile, built and run: migrates, takes spans, says why they failed, and stops in order; two of
// it on one database. buildah builds and runs it without a daemon; its base is made here by debootstrap, with Node of npm.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { throwawayServer } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const missing = ['buildah', 'debootstrap'].filter((program) => spawnSync('which', [program]).status !== 0);
if (process.getuid?.() !== 0) missing.push('root');
const skip = missing.length > 0 ? `THE IMAGE IS NOT TESTED: this needs ${missing.join(', ')}` : false;
if (skip) console.error(skip);

const BASE = 'localhost/beacon-test-base';
const IMAGE = 'localhost/beacon-test';
const TOKEN = `token-${process.pid}`;
const containers: string[] = [];

function run(program: string, args: string[], options: { input?: string } = {}): string {
  const done = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  if (done.status === 0) return done.stdout.trim();
  throw new Error(
    `${program} ${args.join(' ')} ended with ${done.status}:\n${`${done.stdout}\n${done.stderr}`.slice(-4_000)}`,
  );
}

/** A minimal Debian with this Node and npm in it, as an image. The Debian is kept in the host's cache for the next time. */
function makeBase(dir: string): void {
  const debian = path.join(os.tmpdir(), 'beacon-debian-bookworm');
  if (!fs.existsSync(debian)) {
    const aside = `${debian}.${process.pid}`;
    run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', aside]);
    fs.renameSync(aside, debian);
  }
  run('cp', ['-a', debian, dir]);
  const local = path.join(dir, 'usr/local');
  fs.copyFileSync(process.execPath, path.join(local, 'bin/node'));
  fs.chmodSync(path.join(local, 'bin/node'), 0o755);
  const npm = path.dirname(path.dirname(fs.realpathSync(run('which', ['npm']))));
  fs.cpSync(npm, path.join(local, 'lib/node_modules/npm'), { recursive: true, dereference: true });
  for (const name of ['npm', 'npx']) {
    fs.symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(local, 'bin', name));
  }
  const container = run('buildah', ['from', 'scratch']);
  run('buildah', ['add', '--quiet', container, dir, '/']);
  run('buildah', ['commit', '--quiet', '--rm', container, BASE]);
}

/** As this host reaches packages: its settings of npm, its cache, and the authorities it trusts. */
function hostsNpm(): string[] {
  const config = JSON.parse(run('npm', ['config', 'list', '--json'])) as Record<string, string>;
  const mounts: [from: string | undefined, to: string][] = [
    [config.globalconfig, '/usr/local/etc/npmrc'],
    [config.userconfig, '/root/.npmrc'],
    [config.cache, '/root/.npm'],
    ['/etc/ssl/certs', '/etc/ssl/certs'],
  ];
  return mounts.flatMap(([from, to]) => (from && fs.existsSync(from) ? ['--volume', `${from}:${to}`] : []));
}

interface Config {
  Entrypoint: string[];
  Cmd: string[];
  User: string;
  StopSignal: string;
}

let config: Config;

/** Runs the image's own command, with other arguments where some are given, as its own user. */
function start(env: Record<string, string>, args = config.Cmd): ChildProcess {
  const container = run('buildah', ['from', IMAGE]);
  containers.push(container);
  const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const how = ['run', '--isolation', 'chroot', '--user', config.User, ...settings, container, '--'];
  return spawn('buildah', [...how, ...config.Entrypoint, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

interface Serving {
  pid: number;
  port: number;
  otlpHttpPort: number;
  child: ChildProcess;
}

async function serving(child: ChildProcess): Promise<Serving> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const said = line.startsWith('{') ? JSON.parse(line) : {};
    if (said.msg === 'listening') return { ...said, child };
  }
  throw new Error('It ended before it listened.');
}

function otlp(execution: number): string {
  const id = execution.toString(16).padStart(32, 'a');
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId: id,
    spanId: id.slice(16),
    name: 'execution.run',
    kind: 5,
    startTimeUnixNano: String(now - 30_000_000n),
    endTimeUnixNano: String(now),
    status: { code: 2, message: 'connect ECONNREFUSED 10.0.0.1:443' },
    attributes: [
      { key: 'beacon.execution_id', value: { stringValue: String(execution) } },
      { key: 'error.type', value: { stringValue: 'ECONNREFUSED' } },
    ],
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'runner' } }] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
}

test('the image migrates, takes spans, diagnoses and stops in order, two of it side by side', {
  skip,
  timeout: 1_200_000,
}, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-image-'));
  after(() => {
    for (const container of containers) spawnSync('buildah', ['rm', container]);
    spawnSync('buildah', ['rmi', '--force', IMAGE, BASE]);
    fs.rmSync(dir, { recursive: true, force: true });
  });
  makeBase(path.join(dir, 'base'));
  const build = ['bud', '--isolation', 'chroot', '--network', 'host', '--build-arg', `BASE=${BASE}`, ...hostsNpm()];
  run('buildah', [...build, '-f', 'deploy/Containerfile', '-t', IMAGE, '.']);
  const inspected = JSON.parse(run('buildah', ['inspect', '--type', 'image', IMAGE]));
  config = inspected.OCIv1.config;
  assert.deepEqual([config.User, config.StopSignal, config.Cmd], ['10001:10001', 'SIGTERM', ['serve']]);

  const database = await throwawayServer();
  after(() => database.discard());
  const env = { DATABASE_URL: database.url, BEACON_TOKEN: TOKEN, PORT: '0', OTLP_HTTP_PORT: '0', OTLP_GRPC_PORT: '0' };
  const migrating = start(env, ['migrate', 'up']);
  migrating.stdout?.resume();
  assert.deepEqual(await once(migrating, 'exit'), [0, null]);

  const began = Date.now();
  const pair = await Promise.all([start(env), start(env)].map(serving));
  const authorization = `Bearer ${TOKEN}`;
  const ask = async ({ port }: Serving, asked: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${asked}`, { headers: { authorization } });
    // biome-ignore lint/suspicious/noExplicitAny: whatever the server says, for the test to look into.
    return { status: answer.status, body: (await answer.json()) as any };
  };
  for (const [i, server] of pair.entries()) {
    const headers = { authorization, 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${server.otlpHttpPort}/v1/traces`;
    const sent = await fetch(url, { method: 'POST', headers, body: otlp(i + 1) });
    assert.equal(sent.status, 200, await sent.text());
    assert.equal((await ask(server, '/ready')).status, 200);
  }
  // What one of them took, the other one knows.
  for (const [i, server] of pair.toReversed().entries()) {
    const { body } = await ask(server, `/api/v1/root-cause?execution_id=${i + 1}`);
    assert.equal(body.rows[0].type, 'CONNECTION_FAILURE', JSON.stringify(body));
  }
  await until('both have done their rounds, and neither failed', async () => {
    const states = await Promise.all(pair.map((server) => ask(server, '/health')));
    return states.every(
      ({ body }) => body.status === 'ok' && body.maintenance.rounds > 1 && body.maintenance.failures === 0,
    );
  });
  for (const { pid, child } of pair) {
    process.kill(pid, 'SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  }
  // Nothing but /tmp was written to: the root file system may be read-only.
  for (const container of containers) {
    const mounted = run('buildah', ['mount', container]);
    const since = `@${began / 1_000}`;
    const written = run('find', [mounted, '-newermt', since, '-type', 'f', '-not', '-path', `${mounted}/tmp/*`]);
    const own = written
      .split('\n')
      .filter((file) => file.startsWith(`${mounted}/beacon`) || file.startsWith(`${mounted}/home`));
    assert.deepEqual(own, []);
    run('buildah', ['umount', container]);
  }
});
