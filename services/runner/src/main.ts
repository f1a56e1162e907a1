// The process: reads its environment, listens, and stops in order.
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { logFields, startTracing } from '@project-beacon/tracer';
import { errorReporting } from '@project-beacon/tracer/sentry';
import { pino } from 'pino';
import { buildRunner } from './app.ts';
import { readConfig } from './config.ts';

try {
  await run();
} catch (error) {
  console.error(`runner: ${(error as Error).message}`);
  process.exit(1);
}

async function run(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ name: 'runner', level: config.LOG_LEVEL, mixin: logFields });
  const tracer = await startTracing({ service: 'runner', log: (line) => log.info(line) });
  // Spans of outgoing requests, and the trace context on them; with the flag off fetch is left alone.
  if (tracer.enabled) new UndiciInstrumentation();
  const errors = await errorReporting(process.env, 'runner');
  if (config.HYBRID_ROUTER_URL) log.info({ router: config.HYBRID_ROUTER_URL }, 'hybrid router');
  else log.error('HYBRID_ROUTER_URL is not set: jobs are accepted, and every execution will fail');
  const runner = await buildRunner({ config, tracer, log, report: errors.report });
  const port = await runner.listen();
  log.info({ port }, 'listening');

  let stopping = false;
  const stop = async (signal: string) => {
    // Ctrl-C reaches the whole process group and a supervisor may add its own signal: only the first one counts.
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await runner.close();
    await tracer.shutdown();
    await errors.flush(1000);
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
