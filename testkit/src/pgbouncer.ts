// PgBouncer in transaction mode, where the program is installed: every transaction may land on another connection.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';

export interface PgBouncer {
  /** The given connection string, led through PgBouncer. */
  url: string;
  stop(): Promise<void>;
}

/** The program named by PGBOUNCER, or `pgbouncer` on the path; undefined where there is none. */
export function pgBouncerProgram(): string | undefined {
  const program = process.env.PGBOUNCER ?? 'pgbouncer';
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0 ? program : undefined;
}

/** Starts PgBouncer in transaction mode before the server of a connection string, with two connections to it. */
export async function pgBouncer(program: string, connectionString: string): Promise<PgBouncer> {
  const target = new URL(connectionString);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-pgbouncer-'));
  const port = await freePort();
  const config = path.join(dir, 'pgbouncer.ini');
  const server = `host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}`;
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: 2,
  };
  const lines = ['[databases]', `* = ${server}`, '[pgbouncer]'];
  lines.push(...Object.entries(settings).map(([name, value]) => `${name} = ${value}`));
  fs.writeFileSync(config, `${lines.join('\n')}\n`);
  fs.chmodSync(dir, 0o755);
  // It refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(program, ['-q', ...asUser, config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  after(() => child.kill('SIGKILL'));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  while (!(await accepts(port))) {
    // One killed by a signal has no exit code; waiting for it would never end.
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`PgBouncer ended with ${child.exitCode ?? child.signalCode}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const through = new URL(connectionString);
  through.host = `127.0.0.1:${port}`;
  return {
    url: through.href,
    async stop() {
      child.kill('SIGKILL');
      await gone;
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
