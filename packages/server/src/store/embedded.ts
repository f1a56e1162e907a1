// A real PostgreSQL from npm packages: the default database of `npm start` and of the tests.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import pg from 'pg';
import { binariesFor, dataDirFor, ids, type RunAs, unprivilegedUser } from './embedded-host.ts';

export interface EmbeddedOptions {
  /** Folder of the cluster; created when missing. */
  dir: string;
  /** Port to try first; a busy one is replaced by a free one. Default 5432. */
  port?: number;
  /** `false` trades durability for speed: only for throwaway clusters. */
  durable?: boolean;
  /** Extra server settings, for example `{ max_connections: '20' }`. */
  settings?: Record<string, string>;
  /** Programs to run instead of the npm package's: another version of PostgreSQL. */
  programs?: { initdb: string; postgres: string };
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
  /** Resolves when the server process has ended, for whatever reason. */
  exited(): Promise<void>;
  /** Stops the server. `immediate` is the crash: no checkpoint, recovery at next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

interface Secrets {
  superuser: string;
  owner: string;
  port: number;
}

const START_TIMEOUT_MS = 180_000;
/** A port that was free a moment ago may be taken by now. */
const PORTS_TRIED = 10;
const DEFAULT_PORT = 5432;
const SECRETS = 'beacon.json';

/**
 * Starts the cluster in `dir`, creating it first when it is not there. A server that is already running on it is used
 * as it is. Works as root (PostgreSQL refuses root, so another user runs it) and in folders only root may enter.
 *
 * @throws Error with the tail of the server's log when it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const say = options.say ?? (() => {});
  const user = unprivilegedUser();
  const binaries = options.programs ?? (await binariesFor(user, say));
  const dataDir = dataDirFor(path.resolve(options.dir), user, say);
  const cluster = path.join(dataDir, 'cluster');
  const logFile = path.join(dataDir, 'server.log');
  if (!fs.existsSync(path.join(cluster, 'PG_VERSION'))) initCluster(cluster, binaries.initdb, user, options);
  const secrets = readSecrets(cluster);
  const running = await runningServer(cluster, secrets);
  if (running) return running;

  const wanted = options.port ?? secrets.port;
  let port = await freePort(wanted);
  let child: ChildProcess;
  for (let attempt = 1; ; attempt++) {
    child = spawnServer(binaries.postgres, cluster, logFile, port, user, options);
    try {
      await untilReady(child, adminUrl(secrets, port), logFile);
      break;
    } catch (error) {
      // Another start may have been faster on the same folder; its server is as good as ours.
      const other = await runningServer(cluster, secrets);
      if (other) return other;
      if (attempt === PORTS_TRIED || !/could not create any TCP\/IP sockets/.test((error as Error).message))
        throw error;
      port = await freePort();
    }
  }
  if (wanted !== 0 && port !== wanted) say(`Port ${wanted} is busy: PostgreSQL listens on ${port} instead.`);
  if (port !== secrets.port) writeSecrets(cluster, { ...secrets, port });
  await ensureOwner(secrets, port);
  return handle(secrets, port, dataDir, child);
}

/** A free port: `preferred` if it is free. */
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
  return `postgresql://app:${secrets.owner}@127.0.0.1:${port}/beacon`;
}

/** Made aside and renamed: a start that is killed half way leaves no half cluster, and of two at once one wins. */
function initCluster(cluster: string, initdb: string, user: RunAs | undefined, options: EmbeddedOptions): void {
  const secret = () => randomBytes(18).toString('base64url');
  const secrets: Secrets = { superuser: secret(), owner: secret(), port: options.port || DEFAULT_PORT };
  const aside = `${cluster}.${process.pid}`;
  const passwordFile = `${aside}.password`;
  removeLeftovers(cluster);
  fs.writeFileSync(passwordFile, secrets.superuser, { mode: 0o600 });
  if (user) fs.chownSync(passwordFile, user.uid, user.gid);
  try {
    const args = ['-D', aside, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwordFile];
    args.push('--encoding=UTF8', '--no-locale', ...(options.durable === false ? ['--no-sync'] : []));
    const made = spawnSync(initdb, args, { ...ids(user), cwd: '/', encoding: 'utf8', env: serverEnv() });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
    writeSecrets(aside, secrets);
    fs.renameSync(aside, cluster);
  } catch (error) {
    if (!fs.existsSync(path.join(cluster, 'PG_VERSION'))) throw error;
  } finally {
    fs.rmSync(passwordFile, { force: true });
    fs.rmSync(aside, { recursive: true, force: true });
  }
}

/** What starts that were killed half way have left: 40 MB each. */
function removeLeftovers(cluster: string): void {
  const prefix = `${path.basename(cluster)}.`;
  for (const name of fs.readdirSync(path.dirname(cluster)).filter((each) => each.startsWith(prefix))) {
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (pid === process.pid || !isAlive(pid)) fs.rmSync(path.join(path.dirname(cluster), name), { recursive: true });
  }
}

function readSecrets(cluster: string): Secrets {
  return JSON.parse(fs.readFileSync(path.join(cluster, SECRETS), 'utf8')) as Secrets;
}

/** Inside the cluster, because the passwords are those of this cluster and of no other. */
function writeSecrets(cluster: string, secrets: Secrets): void {
  fs.writeFileSync(path.join(cluster, SECRETS), JSON.stringify(secrets), { mode: 0o600 });
}

/** The server inherits neither PGPORT nor PGDATA nor secrets of the environment. */
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

/**
 * Database `beacon` and its owner, who may create databases and is nothing more than that. Not called like the schema:
 * `"$user"` leads the search_path, and what the user creates unqualified would land among our tables.
 */
async function ensureOwner(secrets: Secrets, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl(secrets, port) });
  await client.connect();
  try {
    // Two starts may be here at once, and one may have been killed between role and database.
    await client.query('select pg_advisory_lock(1)');
    const { rows } = await client.query(`
      select exists (select from pg_roles where rolname = 'app') as role,
        exists (select from pg_database where datname = 'beacon') as database`);
    if (!rows[0].role) {
      await client.query(`create role app login createdb password ${pg.escapeLiteral(secrets.owner)}`);
    }
    if (!rows[0].database) await client.query('create database beacon owner app');
  } finally {
    await client.end();
  }
}

/** A server left by a supervisor that was killed is still good: it is used, not fought over. */
async function runningServer(cluster: string, secrets: Secrets): Promise<Embedded | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = postmaster(cluster);
    if (!found || !isAlive(found.pid)) return undefined;
    if (await answers(adminUrl(secrets, found.port))) {
      await ensureOwner(secrets, found.port);
      return handle(secrets, found.port, path.dirname(cluster), { pid: found.pid });
    }
    // One that is starting or stopping is waited for; "ready" without an answer is a stale file and another's pid.
    if (found.state === 'ready' || Date.now() > deadline) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What postmaster.pid says: pid, port, and `starting`, `ready` or `stopping`. */
function postmaster(cluster: string): { pid: number; port: number; state: string } | undefined {
  try {
    const lines = fs.readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), state: (lines[7] ?? 'starting').trim() };
  } catch {
    return undefined;
  }
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
