// A real RabbitMQ, as rabbit:5672.
import * as path from 'node:path';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { tool } from '../scratch.ts';
import { startProcess } from './server-process.ts';

const NAME = 'rabbit';
const PORT = 5672;
const COMMAND = '/usr/lib/rabbitmq/bin/rabbitmq-server';

export async function startRabbitmq({ names, scratch }: Surroundings): Promise<Dependency> {
  const address = names.address(NAME);
  const dir = path.join(scratch, 'rabbitmq');
  const env = {
    HOME: dir,
    RABBITMQ_NODENAME: 'world@localhost',
    RABBITMQ_MNESIA_BASE: path.join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: path.join(dir, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_NODE_IP_ADDRESS: address,
    RABBITMQ_NODE_PORT: `${PORT}`,
    RABBITMQ_PID_FILE: path.join(dir, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(dir, 'plugins'),
    // Without the machine's name server of Erlang nodes: one of another run may be there.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-start_epmd false -erl_epmd_port ${PORT + 20_000}`,
  };
  tool('mkdir', ['-p', dir]);
  const server = await startProcess(COMMAND, [], { address, port: PORT }, { env, install: 'rabbitmq-server' });
  const version = /Version: ([\d.]+)/.exec(tool('dpkg', ['-s', 'rabbitmq-server']))?.[1] ?? 'unknown';
  return {
    environment: { WORLD_AMQP_URL: `amqp://guest:guest@${NAME}:${PORT}/%2F` },
    versions: { RabbitMQ: version },
    stop: server.stop,
  };
}
