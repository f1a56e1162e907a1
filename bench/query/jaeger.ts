// Jaeger 2 with its embedded store, beside Beacon: where JAEGER_BIN names its binary.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { freePort } from '@project-beacon/server/store/embedded.ts';

export interface Jaeger {
  otlpPort: number;
  queryPort: number;
  stop: () => Promise<void>;
}

/** Starts it on ports of its own, with badger in a folder that is removed in the end. */
export async function startJaeger(binary: string): Promise<Jaeger> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-bench-jaeger-'));
  const [otlpPort, queryPort, grpcPort, healthPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const file = path.join(dir, 'config.yaml');
  fs.writeFileSync(
    file,
    `service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
extensions:
  healthcheckv2: { use_v2: true, http: { endpoint: "127.0.0.1:${healthPort}" } }
  jaeger_query:
    storage: { traces: store }
    http: { endpoint: "127.0.0.1:${queryPort}" }
    grpc: { endpoint: "127.0.0.1:${grpcPort}" }
  jaeger_storage:
    backends:
      store: { badger: { directories: { keys: "${dir}/keys", values: "${dir}/values" }, ephemeral: false } }
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${otlpPort}" } } }
exporters:
  jaeger_storage_exporter: { trace_storage: store }
`,
  );
  const child = spawn(binary, ['--config', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  process.once('exit', () => child.kill('SIGKILL'));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    fs.rmSync(dir, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://127.0.0.1:${queryPort}/api/services`).catch(() => undefined);
    if (answer?.ok) return { otlpPort, queryPort, stop };
    if (tries === 300 || child.exitCode !== null) {
      await stop();
      throw new Error(`${binary} does not answer on ${queryPort}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
