// A real Kafka of one broker, as kafka-1:9092, from its Maven artifacts; topic `orders` with one partition, and no other.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { filledOnce, tool } from '../scratch.ts';
import { startProcess } from './server-process.ts';

const NAME = 'kafka-1';
const PORT = 9092;
const CONTROLLER_PORT = 9093;
const TOPIC = 'orders';

export async function startKafka({ names, scratch }: Surroundings): Promise<Dependency> {
  const address = names.address(NAME);
  const pom = path.join(import.meta.dirname, 'kafka/pom.xml');
  const lib = filledOnce('kafka', [pom], (to) => {
    tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${to}`]);
  });
  const dir = path.join(scratch, 'kafka');
  fs.mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'server.properties');
  // Programs learn the broker's name from it; this machine knows its address alone.
  const inner = `INNER://${address}:${CONTROLLER_PORT + 1}`;
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${address}:${CONTROLLER_PORT}`,
    listeners: `PLAINTEXT://${address}:${PORT},${inner},CONTROLLER://${address}:${CONTROLLER_PORT}`,
    'advertised.listeners': `PLAINTEXT://${NAME}:${PORT},${inner}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INNER',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': path.join(dir, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'message.max.bytes': 100_000,
  };
  fs.writeFileSync(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const java = ['-Xmx400m', '-cp', path.join(lib, '*')];
  const cluster = randomBytes(16).toString('base64url');
  tool('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file]);
  const server = await startProcess(
    'java',
    [...java, 'kafka.Kafka', file],
    { address, port: PORT },
    { install: 'default-jre' },
  );
  const at = ['--bootstrap-server', `${address}:${CONTROLLER_PORT + 1}`];
  const topics = ['org.apache.kafka.tools.TopicCommand', ...at, '--create', '--topic', TOPIC, '--partitions', '1'];
  try {
    tool('java', [...java, ...topics]);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const version = /kafka_2\.13<\/artifactId><version>([\d.]+)/.exec(fs.readFileSync(pom, 'utf8'))?.[1] ?? 'unknown';
  return { environment: { WORLD_KAFKA: `${NAME}:${PORT}` }, versions: { Kafka: version }, stop: server.stop };
}
