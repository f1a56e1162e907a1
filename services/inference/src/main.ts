// The process: reads its environment, listens, and stops in order.
import { logFields, startTracing } from '@project-beacon/tracer';
import { errorReporting } from '@project-beacon/tracer/sentry';
import { pino } from 'pino';
import { buildInference } from './app.ts';
import { readConfig } from './config.ts';
import { loadLocalModel } from './local.ts';

try {
  await run();
} catch (error) {
  console.error(`inference: ${(error as Error).message}`);
  process.exit(1);
}

async function run(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ name: 'inference', level: config.LOG_LEVEL, mixin: logFields });
  const tracer = await startTracing({ service: 'inference', log: (line) => log.info(line) });
  const errors = await errorReporting(process.env, 'inference');
  const local = config.LOCAL_MODEL ? await loadLocalModel(config.LOCAL_MODEL) : undefined;
  const inference = await buildInference({ config, tracer, log, report: errors.report, local });
  const port = await inference.listen();
  log.info({ port, regions: inference.endpoints.ports() }, 'listening');

  let stopping = false;
  const stop = async (signal: string) => {
    // Ctrl-C reaches the whole process group and a supervisor may add its own signal: only the first one counts.
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await inference.close();
    await local?.close();
    await tracer.shutdown();
    await errors.flush(1000);
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
