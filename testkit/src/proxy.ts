// A TCP proxy that stands between a client and a server and misbehaves on request.
import * as net from 'node:net';

export interface FaultyProxy {
  /** The given connection string, led through the proxy. */
  url: string;
  port: number;
  /** Connections accepted so far. */
  accepted: number;
  /** Holds every piece of data back by so many milliseconds, in both directions. */
  delay(milliseconds: number): void;
  /** Lets answers through only so many bytes at a time, every so many milliseconds. */
  trickle(bytes: number, everyMs: number): void;
  /** Swallows everything: connections stay open and silent. `false` lets what comes from now on pass. */
  stall(on: boolean): void;
  /** Closes all connections and refuses new ones, until `restore`. */
  cut(): void;
  restore(): void;
  /** Closes all connections now, with a reset; new ones are accepted. */
  reset(): void;
  /**
   * Passes on what the client sends until `matches` finds something in it; that piece still goes to the server, and
   * nothing comes back from then on: the connection is reset. Resolves when that has happened.
   */
  loseAnswerTo(matches: (sent: Buffer) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1 before the server of a `postgresql://` connection string. */
export async function faultyProxy(connectionString: string): Promise<FaultyProxy> {
  const target = new URL(connectionString);
  const pairs = new Set<[net.Socket, net.Socket]>();
  let delayMs = 0;
  let drip: { bytes: number; everyMs: number } | undefined;
  let stalled = false;
  let refusing = false;
  let trap: { matches: (sent: Buffer) => boolean; sprung: () => void } | undefined;

  const server = net.createServer((client) => {
    proxy.accepted++;
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = net.connect(Number(target.port), target.hostname);
    const pair: [net.Socket, net.Socket] = [client, upstream];
    pairs.add(pair);
    for (const socket of pair) socket.unref();
    let mute = false;
    const pass = (to: net.Socket, data: Buffer) => {
      if (stalled || mute) return;
      if (delayMs === 0) to.write(data);
      else setTimeout(() => to.writable && !stalled && to.write(data), delayMs).unref();
    };
    client.on('data', (data) => {
      if (!trap?.matches(data)) {
        pass(upstream, data);
        return;
      }
      const { sprung } = trap;
      trap = undefined;
      mute = true;
      upstream.write(data);
      // The server answers when it is done; only then is the outcome decided, and the client never hears of it.
      upstream.once('data', () => {
        client.resetAndDestroy();
        sprung();
      });
    });
    let held = Buffer.alloc(0);
    let dripping: NodeJS.Timeout | undefined;
    upstream.on('data', (data) => {
      if (!drip) {
        pass(client, data);
        return;
      }
      held = Buffer.concat([held, data]);
      dripping ??= setInterval(() => {
        if (client.writable && held.length > 0) client.write(held.subarray(0, drip?.bytes));
        held = held.subarray(drip?.bytes);
      }, drip.everyMs).unref();
    });
    client.once('close', () => clearInterval(dripping));
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A test that fails before it has closed the proxy must not hold the run.
  server.unref();
  const { port } = server.address() as net.AddressInfo;
  const through = new URL(connectionString);
  through.host = `127.0.0.1:${port}`;

  const dropAll = () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  const proxy: FaultyProxy = {
    url: through.href,
    port,
    accepted: 0,
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    trickle: (bytes, everyMs) => {
      drip = { bytes, everyMs };
    },
    stall: (on) => {
      stalled = on;
    },
    cut: () => {
      refusing = true;
      dropAll();
    },
    restore: () => {
      refusing = false;
    },
    reset: dropAll,
    loseAnswerTo: (matches) =>
      new Promise<void>((resolve) => {
        trap = { matches, sprung: resolve };
      }),
    async close() {
      dropAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
