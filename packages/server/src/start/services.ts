// What is started, on which ports, and what each process is told.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Claimed, claimPorts } from './ports.ts';
import type { ServiceSpec } from './service.ts';

/** Regions of the sample; the simulated provider listens on one port for each. */
export const REGIONS = ['us-east', 'eu-west', 'asia-southeast'] as const;
/** The region that the sample makes fail. */
export const FAILING_REGION = 'eu-west';
/** How long the router waits for a provider, milliseconds: short, so that the sample's failure is seen soon. */
export const PROVIDER_TIMEOUT_MS = 1_500;
/** The local model answers one question after the other, on whatever else this machine does. */
const LOCAL_TIMEOUT_MS = 30_000;
/** The failures of the sample open a circuit; a second try after reading must not meet it. */
const CIRCUIT_OPEN_MS = 3_000;
/** Ctrl-C should take seconds: what is not done by then is handed back and runs at the next start. */
const STOP_GRACE_MS = 2_000;

const PREFERRED = {
  server: 8080,
  'OTLP/HTTP': 4318,
  'OTLP/gRPC': 4317,
  Jaeger: 16_686,
  runner: 8090,
  router: 8091,
  inference: 8092,
  'inference us-east': 8093,
  'inference eu-west': 8094,
  'inference asia-southeast': 8095,
};

const SERVER_PORTS = new Set(['server', 'OTLP/HTTP', 'OTLP/gRPC', 'Jaeger']);

/** What `npm run model` writes, below the folder of the database. */
const LOCAL_MODEL_FILE = 'gemma-3-270m-q4_k_m.gguf';

const EXTENSION = path.extname(import.meta.filename);
const SERVER = path.join(import.meta.dirname, `../main${EXTENSION}`);
/** The benchmark services are part of the repository, not of the published package. */
const SERVICES = path.resolve(import.meta.dirname, '../../../../services');

export interface Plan {
  /** What others depend on comes first. */
  specs: ServiceSpec[];
  /** Ports on which the server takes spans. */
  otlp: { http: number; grpc: number };
  /** Port on which it answers as Jaeger does. */
  jaeger: number;
  /** What differs from the usual, a sentence each: ports that were busy, settings the user made. */
  notes: string[];
  /** Whether runner, router and inference are there to start. */
  hasServices: boolean;
}

/**
 * @param dir Where what has to last is kept.
 * @param databaseUrl Handed to every process as DATABASE_URL.
 * @param anyPort Lets the operating system choose every port.
 * @param isLocal Loads the local model.
 * @throws Error that says what the local model lacks.
 */
export async function planServices(dir: string, databaseUrl: string, anyPort: boolean, isLocal = false): Promise<Plan> {
  const model = isLocal ? localModel(dir) : undefined;
  const hasServices = fs.existsSync(entry('runner'));
  const wanted = Object.entries(PREFERRED).filter(([name]) => hasServices || SERVER_PORTS.has(name));
  const claimed = await claimPorts(Object.fromEntries(wanted.map(([name, port]) => [name, anyPort ? 0 : port])));
  const port = (name: keyof typeof PREFERRED) => claimed.find((each) => each.name === name)?.port as number;
  const env = (own: Record<string, string>) => ({ ...sharedEnv(databaseUrl), ...own });
  const otlp = { http: port('OTLP/HTTP'), grpc: port('OTLP/gRPC') };
  const jaeger = port('Jaeger');
  const ports = {
    PORT: String(port('server')),
    OTLP_HOST: '127.0.0.1',
    OTLP_HTTP_PORT: String(otlp.http),
    OTLP_GRPC_PORT: String(otlp.grpc),
    JAEGER_PORT: String(jaeger),
    ...(hasServices ? unlessSet('RUNNER_URL', `http://127.0.0.1:${port('runner')}`) : {}),
  };
  const specs = [{ name: 'server', script: [SERVER, 'serve'], port: port('server'), env: env(ports) }];
  if (hasServices) {
    const portOf = (region: string) => port(`inference ${region}` as keyof typeof PREFERRED);
    const regions = REGIONS.map((region) => `${region}=${portOf(region)}`).join(',');
    const providers = REGIONS.map((region) => ({
      name: `simulated-${region}`,
      region,
      url: `http://127.0.0.1:${portOf(region)}`,
      timeoutMs: isLocal && region !== FAILING_REGION ? LOCAL_TIMEOUT_MS : PROVIDER_TIMEOUT_MS,
    }));
    specs.push(
      service('inference', port('inference'), env({ REGIONS: regions, ...(model && { LOCAL_MODEL: model }) })),
      service(
        'router',
        port('router'),
        env({
          ...unlessSet('PROVIDERS', JSON.stringify(providers), 'PROVIDERS_FILE'),
          ...unlessSet('CIRCUIT_OPEN_MS', String(CIRCUIT_OPEN_MS)),
        }),
      ),
      service(
        'runner',
        port('runner'),
        env({
          ...unlessSet('HYBRID_ROUTER_URL', `http://127.0.0.1:${port('router')}`),
          ...unlessSet('STOP_GRACE_MS', String(STOP_GRACE_MS)),
          ...unlessSet('RECEIPT_KEY_FILE', path.join(dir, 'receipt-key.pem')),
        }),
      ),
    );
  }
  return {
    specs,
    otlp,
    jaeger,
    notes: [...claimed.flatMap(sentence), ...keptSettings(), ...absent(hasServices)],
    hasServices,
  };
}

/** @throws Error that names what is missing and the command that gets it, before any service is started. */
function localModel(dir: string): string {
  const file = path.resolve(dir, 'models', LOCAL_MODEL_FILE);
  const library = path.resolve(SERVICES, '../node_modules/node-llama-cpp');
  const wanted = [
    ...(fs.existsSync(file) ? [] : ['`npm run model` (it fetches 239 MB)']),
    ...(fs.existsSync(library) ? [] : ['`npm install --no-save node-llama-cpp@3.21.1`']),
  ];
  if (wanted.length > 0) throw new Error(`The local model is not there yet. Run ${wanted.join(' and ')} first.`);
  return file;
}

function entry(name: string): string {
  return path.join(SERVICES, name, 'src/main.ts');
}

function service(name: string, port: number, env: Record<string, string>): ServiceSpec {
  return { name, script: [entry(name)], port, env: { ...env, PORT: String(port) } };
}

function sharedEnv(databaseUrl: string): Record<string, string> {
  return { DATABASE_URL: databaseUrl, HOST: '127.0.0.1', ...unlessSet('ENABLE_DB_TRACING', 'true') };
}

/** What the user has set stays, an empty value too: that is how a missing setting is tried out. */
function unlessSet(name: string, value: string, ...alternatives: string[]): Record<string, string> {
  return [name, ...alternatives].some((each) => process.env[each] !== undefined) ? {} : { [name]: value };
}

/** Settings that change what the sample shows are named, so that they do not surprise; addresses may hold secrets. */
function keptSettings(): string[] {
  return ['ENABLE_DB_TRACING', 'HYBRID_ROUTER_URL', 'PROVIDERS', 'PROVIDERS_FILE', 'FAULTS'].flatMap((name) => {
    const value = process.env[name];
    if (value === undefined) return [];
    const how = value === '' ? 'set to nothing' : name === 'ENABLE_DB_TRACING' ? `set to "${value}"` : 'set';
    return [`${name} is ${how} in your environment and is left as it is.`];
  });
}

function absent(hasServices: boolean): string[] {
  if (hasServices) return [];
  return ['The benchmark services are part of the repository, not of this package: only database and server start.'];
}

function sentence({ name, wanted, port }: Claimed): string[] {
  return wanted === 0 || wanted === port ? [] : [`Port ${wanted} is busy: ${name} listens on ${port} instead.`];
}
