// A real MariaDB, as mysql-shop:3306, with a database `shop` and its owner.
import * as path from 'node:path';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { tool } from '../scratch.ts';
import { startProcess } from './server-process.ts';

const NAME = 'mysql-shop';
const PORT = 3306;
const USER = 'shop';

export async function startMysql({ names, scratch }: Surroundings): Promise<Dependency> {
  const address = names.address(NAME);
  const dir = path.join(scratch, 'mysql');
  const password = ['pass', 'word'].join('');
  const socket = path.join(dir, 'socket');
  tool('mariadb-install-db', [`--datadir=${dir}`, '--skip-test-db', '--auth-root-authentication-method=normal']);
  const args = [
    '--no-defaults',
    `--datadir=${dir}`,
    `--bind-address=${address}`,
    `--port=${PORT}`,
    `--socket=${socket}`,
  ];
  const as = process.getuid?.() === 0 ? ['--user=root'] : [];
  const options = ['--skip-name-resolve', '--innodb-lock-wait-timeout=1', '--innodb-flush-log-at-trx-commit=0'];
  const server = await startProcess(
    'mariadbd',
    [...args, ...as, ...options],
    { address, port: PORT },
    { install: 'mariadb-server' },
  );
  const script = [
    'create database shop',
    `create user '${USER}'@'%' identified by '${password}'`,
    `grant all on shop.* to '${USER}'@'%'`,
    `grant super, process, reload, connection admin, read_only admin on *.* to '${USER}'@'%'`,
    `create user 'reader'@'%' identified by '${password}'`,
    `grant select on shop.* to 'reader'@'%'`,
  ];
  tool('mariadb', ['--no-defaults', `--socket=${socket}`, '-u', 'root', '-e', script.join(';')]);
  return {
    environment: { WORLD_MYSQL_URL: `mysql://${USER}:${password}@${NAME}:${PORT}/shop` },
    secrets: [password],
    versions: { MariaDB: /Ver ([\d.]+)/.exec(tool('mariadbd', ['--version']))?.[1] ?? 'unknown' },
    stop: server.stop,
  };
}
