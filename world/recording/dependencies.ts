// The real things that programs talk to, each at its name and its usual port.
import { startBroken } from './dependencies/broken.ts';
import { startKafka } from './dependencies/kafka.ts';
import { startMysql } from './dependencies/mysql.ts';
import { startPostgres } from './dependencies/postgres.ts';
import { startProviders } from './dependencies/providers.ts';
import { startRabbitmq } from './dependencies/rabbitmq.ts';
import { startRedis } from './dependencies/redis.ts';
import { startTls } from './dependencies/tls.ts';
import type { Names } from './names.ts';

export interface Surroundings {
  names: Names;
  /** A folder of this run, removed after it. */
  scratch: string;
}

export interface Dependency {
  /** How the program finds it. */
  environment: Record<string, string>;
  /** Texts that must not be recorded; each is written as `secret`. */
  secrets?: string[];
  /** What it is and which version, for the recordings. */
  versions: Record<string, string>;
  stop(): Promise<void>;
}

const DEPENDENCIES: Record<string, (surroundings: Surroundings) => Promise<Dependency>> = {
  broken: startBroken,
  kafka: startKafka,
  mysql: startMysql,
  postgres: startPostgres,
  providers: startProviders,
  rabbitmq: startRabbitmq,
  redis: startRedis,
  tls: startTls,
};

export async function startDependencies(needs: string[], surroundings: Surroundings): Promise<Dependency> {
  const started: Dependency[] = [];
  const stop = async () => {
    for (const each of started.reverse()) await each.stop();
  };
  try {
    for (const need of needs) {
      const start = DEPENDENCIES[need];
      if (!start)
        throw new Error(`"${need}" is not known to dependencies.ts. Known: ${Object.keys(DEPENDENCIES).join(', ')}.`);
      started.push(await start(surroundings));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    environment: Object.assign({}, ...started.map((each) => each.environment)),
    secrets: started.flatMap((each) => each.secrets ?? []),
    versions: Object.assign({}, ...started.map((each) => each.versions)),
    stop,
  };
}
