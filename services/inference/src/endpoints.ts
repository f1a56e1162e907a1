// One listener a region, in front of one application: a region that refuses connections has no listener.

import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';

interface Endpoint {
  port: number;
  server: http.Server | undefined;
}

export class Endpoints {
  readonly #app: FastifyInstance;
  readonly #host: string;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(app: FastifyInstance, host: string) {
    this.#app = app;
    this.#host = host;
  }

  /** Region by port, as they really are. */
  ports(): Record<string, number> {
    return Object.fromEntries([...this.#endpoints].map(([region, { port }]) => [region, port]));
  }

  isListening(region: string): boolean {
    return this.#endpoints.get(region)?.server !== undefined;
  }

  /** @throws the listen error, for example EADDRINUSE. */
  async open(region: string, port = this.#endpoints.get(region)?.port ?? 0): Promise<void> {
    if (this.isListening(region)) return;
    const server = http.createServer((request, response) => this.#app.routing(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#host, resolve);
    });
    this.#endpoints.set(region, { port: (server.address() as AddressInfo).port, server });
  }

  /** It stops listening, and open connections are cut. The port stays the region's. */
  async close(region: string): Promise<void> {
    const endpoint = this.#endpoints.get(region);
    if (!endpoint?.server) return;
    const { server } = endpoint;
    endpoint.server = undefined;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /** Takes no more work and lets what is in flight end. */
  async drain(): Promise<void> {
    const servers = [...this.#endpoints.values()].flatMap(({ server }) => server ?? []);
    await Promise.all(
      servers.map(async (server) => {
        server.close();
        server.closeIdleConnections();
        if (server.listening) await once(server, 'close');
      }),
    );
  }

  /** Region of the listener that took this request; undefined for the control port. */
  regionOf(request: FastifyRequest): string | undefined {
    const port = request.socket.localPort;
    return [...this.#endpoints].find(([, endpoint]) => endpoint.port === port)?.[0];
  }
}
