// A real Redis, as redis-cache:6379.

import type { Dependency, Surroundings } from '../dependencies.ts';
import { tool } from '../scratch.ts';
import { startProcess } from './server-process.ts';

const NAME = 'redis-cache';
const PORT = 6379;

export async function startRedis({ names, scratch }: Surroundings): Promise<Dependency> {
  const address = names.address(NAME);
  const args = ['--bind', address, '--port', `${PORT}`, '--dir', scratch, '--save', '', '--protected-mode', 'no'];
  const server = await startProcess('redis-server', args, { address, port: PORT }, { install: 'redis-server' });
  const version = /v=([\d.]+)/.exec(tool('redis-server', ['--version']))?.[1] ?? 'unknown';
  return {
    environment: { WORLD_REDIS_URL: `redis://${NAME}:${PORT}/0` },
    versions: { Redis: version },
    stop: server.stop,
  };
}
