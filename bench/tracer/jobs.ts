// A worker that runs executions as the sample services do: eight nested spans each, some work, some waiting.
import { hash } from 'node:crypto';
import { context } from '@opentelemetry/api';
import { type DBTracer, startTracing } from '@project-beacon/tracer';

export interface Load {
  /** How often an execution does its own `work`. */
  times: number;
  /** Milliseconds an execution waits for others. */
  waitMs: number;
  /** Executions at a time. */
  concurrency: number;
}

/**
 * Obeys the parent process: `{ load, ms }` in, `{ executions }` a second out.
 *
 * @param variant `on`, `off`, or `sdk`: OpenTelemetry's SDK with contexts and propagation, but nothing that takes the spans.
 */
export async function jobs(variant: string): Promise<void> {
  const flag = variant === 'off' ? 'off' : 'on';
  const tracer = await startTracing({ service: 'bench-jobs', flag, log: () => {} });
  // Detaches the processor; the provider it was attached to stays.
  if (variant === 'sdk') await tracer.shutdown();
  process.on('message', async ({ load, ms }: { load: Load; ms: number }) => {
    process.send!({ executions: await run(tracer, load, ms) });
  });
  process.send!({ ready: true });
}

async function run(tracer: DBTracer, load: Load, ms: number): Promise<number> {
  const started = performance.now();
  let executions = 0;
  const lane = async () => {
    while (performance.now() - started < ms) {
      await execution(tracer, load, executions++);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, lane));
  return (executions / (performance.now() - started)) * 1_000;
}

let serial = 0;

async function execution(tracer: DBTracer, load: Load, number: number): Promise<void> {
  const attributes = { 'http.request.method': 'POST', 'server.address': '127.0.0.1', 'server.port': 8091 };
  await tracer.withSpan('execution.run', { attributes: { 'beacon.attempt': 1, number } }, async () => {
    const carried = tracer.setExecutionContext({
      jobId: 'job',
      executionId: serial++,
      modelId: 'm',
      region: 'us-east',
    });
    await context.with(carried, () =>
      tracer.withSpan('POST', { attributes }, () =>
        tracer.withSpan('POST /inference', { attributes }, () =>
          tracer.withSpan('provider.call', { attributes: { 'beacon.provider': 'simulated' } }, () =>
            tracer.withSpan('POST', { attributes }, () =>
              tracer.withSpan('POST /v1/chat/completions', { attributes }, async () => {
                await tracer.withSpan('model.load', { attributes }, () => work(load.times / 2));
                await tracer.withSpan('model.generate', { attributes }, async () => {
                  work(load.times / 2);
                  if (load.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, load.waitMs));
                  // Without waiting the event loop must still get its turn, as it does between requests.
                  else await new Promise((resolve) => setImmediate(resolve));
                });
              }),
            ),
          ),
        ),
      ),
    );
  });
}

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  choices: Array.from({ length: 8 }, (_, index) => ({
    index,
    message: { role: 'assistant', content: 'four '.repeat(40) },
  })),
  usage: { prompt_tokens: 12, completion_tokens: 320 },
});

/** What services do all day: reads an answer, changes it, writes it, fingerprints it. About 20 us a time. */
export function work(times: number): void {
  for (let i = 0; i < times; i++) {
    const answer = JSON.parse(ANSWER) as { id: string };
    answer.id = String(i);
    hash('sha256', JSON.stringify(answer));
  }
}
