// The process: reads its environment, listens, and stops in order.
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { logFields, startTracing } from '@project-beacon/tracer';
import { errorReporting } from '@project-beacon/tracer/sentry';
import { pino } from 'pino';
import { buildRouter } from './app.ts';
import { readConfig } from './config.ts';

try {
  await run();
} catch (error) {
  console.error(`router: ${(error as Error).message}`);
  process.exit(1);
}

async function run(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ name: 'router', level: config.LOG_LEVEL, mixin: logFields });
  const tracer = await startTracing({ service: 'router', log: (line) => log.info(line) });
  // Spans of outgoing requests, and the trace context on them; with the flag off fetch is left alone.
  if (tracer.enabled) new UndiciInstrumentation();
  const errors = await errorReporting(process.env, 'router');
  const app = await buildRouter({ config, tracer, log, env: process.env, report: errors.report });
  if (config.providers.length === 0) log.warn('PROVIDERS and PROVIDERS_FILE are not set: every inference will fail');
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  log.info({ port: Number(new URL(address).port), providers: config.providers.length }, 'listening');

  let stopping = false;
  const stop = async (signal: string) => {
    // Ctrl-C reaches the whole process group and a supervisor may add its own signal: only the first one counts.
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await app.close();
    await tracer.shutdown();
    await errors.flush(1000);
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
