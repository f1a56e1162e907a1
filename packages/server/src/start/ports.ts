import * as net from 'node:net';

/** A port that was asked for, and the one to use: another when it is busy. */
export interface Claimed {
  name: string;
  wanted: number;
  port: number;
}

/**
 * Finds a port for each name: the wanted one, or a free one when it is busy. All are held until all are found, so that
 * no two get the same.
 *
 * @param wanted Port by name; 0 lets the operating system choose.
 */
export async function claimPorts(wanted: Record<string, number>): Promise<Claimed[]> {
  const held: net.Server[] = [];
  try {
    const claimed: Claimed[] = [];
    for (const [name, port] of Object.entries(wanted)) {
      const server = (await listen(port)) ?? (await listen(0));
      if (!server) throw new Error('No free TCP port on 127.0.0.1.');
      held.push(server);
      claimed.push({ name, wanted: port, port: (server.address() as net.AddressInfo).port });
    }
    return claimed;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<net.Server | undefined> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
