// HTTP servers that misbehave below HTTP, each at a name of its own that does not tell how.
import * as net from 'node:net';
import type { Dependency, Surroundings } from '../dependencies.ts';

const PORT = 80;
const HALF = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

type Behaviour = (socket: net.Socket) => void;

const answering =
  (head: string, end: Behaviour): Behaviour =>
  (socket) =>
    socket.write(head, () => setImmediate(end, socket));
const close: Behaviour = (socket) => socket.destroy();
const reset: Behaviour = (socket) => socket.resetAndDestroy();

/** What each does when a request has arrived, by the name of the variable that holds its address. */
const BEHAVIOURS: Record<string, Behaviour> = {
  RESET: reset,
  HANGUP: close,
  SILENT: () => {},
  CUT_LENGTH: answering(`${HALF}content-length: 1000\r\n\r\n{"rate": 0.`, close),
  CUT_CHUNKED: answering(`${HALF}transfer-encoding: chunked\r\n\r\n9\r\n{"rate": \r\n`, close),
  RESET_BODY: answering(`${HALF}content-length: 1000\r\n\r\n{"rate": 0.`, reset),
  NOT_HTTP: answering('220 mail.example ESMTP ready\r\n', close),
  HTML: answering(
    'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 35\r\n\r\n<html><body>Sign in</body></html>\r\n',
    close,
  ),
};

/** `WORLD_BROKEN_RESET` and so on, and `WORLD_BROKEN_REFUSED`, where nothing listens. */
export async function startBroken({ names }: Surroundings): Promise<Dependency> {
  const servers: net.Server[] = [];
  const sockets = new Set<net.Socket>();
  const environment: Record<string, string> = {};
  for (const [i, [name, behave]] of Object.entries(BEHAVIOURS).entries()) {
    const host = `partner-${i + 1}.example`;
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.once('data', () => behave(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(PORT, names.address(host), resolve);
    });
    servers.push(server);
    environment[`WORLD_BROKEN_${name}`] = `http://${host}`;
  }
  names.address('partner-0.example');
  environment.WORLD_BROKEN_REFUSED = 'http://partner-0.example';
  return {
    environment,
    versions: {},
    async stop() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
    },
  };
}
