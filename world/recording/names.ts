// Host names that programs under record resolve: each dependency and each of the program's servers has a name and a
// loopback address of its own, so that it listens at its usual port. All other names do not exist.
import * as dgram from 'node:dgram';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Names {
  /** The address of a name; a new name gets the next address. */
  address(name: string): string;
  /** Files to mount at /etc/hosts and /etc/resolv.conf. */
  files(): { hosts: string; resolv: string };
  /** What to write instead of an address of this run, in recordings. */
  stable: [RegExp, string];
  close(): Promise<void>;
}

const NAMESERVER = 53;
const FIRST = 2;

export async function startNames(scratch: string): Promise<Names> {
  // Several recorders on one machine: each takes a network of its own.
  const [server, network] = await nameserver();
  const known = new Map<string, string>();
  return {
    address(name) {
      const address = known.get(name) ?? `${network}.${FIRST + known.size}`;
      known.set(name, address);
      return address;
    },
    files() {
      const hosts = path.join(scratch, 'hosts');
      const resolv = path.join(scratch, 'resolv.conf');
      const lines = [...known].map(([name, address]) => `${address} ${name}`);
      fs.writeFileSync(hosts, `127.0.0.1 localhost\n${lines.join('\n')}\n`);
      fs.writeFileSync(resolv, `nameserver ${network}.${NAMESERVER}\noptions timeout:1 attempts:1\n`);
      return { hosts, resolv };
    },
    stable: [new RegExp(`${network.replaceAll('.', '\\.')}\\.(\\d+)`, 'g'), '10.0.0.$1'],
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function nameserver(): Promise<[dgram.Socket, string]> {
  for (;;) {
    const network = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`;
    const socket = dgram.createSocket('udp4');
    socket.on('message', (query, from) => {
      const answer = Buffer.from(query);
      // Names that end in .slow are those of a name server that does not answer in time.
      if (query.includes(Buffer.from('\x04slow\x00'))) return;
      // NXDOMAIN, or a server's own failure for names that end in .broken.
      answer.writeUInt16BE(query.includes(Buffer.from('\x06broken\x00')) ? 0x8182 : 0x8183, 2);
      socket.send(answer, from.port, from.address);
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(53, `${network}.${NAMESERVER}`, resolve);
      });
      return [socket, network];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
