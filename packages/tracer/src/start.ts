import { attach, attachedProcessor } from './attach.ts';
import { DBTracer } from './db-tracer.ts';
import { safely } from './log.ts';
import { BeaconSpanProcessor, type TracerOptions } from './processor.ts';

/**
 * Starts tracing into PostgreSQL if ENABLE_DB_TRACING says so, and says in one line what it found. Spans come from the
 * TracerProvider the application has registered before; without one, a provider is registered. Does not wait for the
 * database. Never throws and never rejects.
 */
export async function startTracing(options: TracerOptions): Promise<DBTracer> {
  const earlier = attachedProcessor();
  if (earlier) return new DBTracer(earlier, 'a provider that has it already');
  const processor = new BeaconSpanProcessor(options);
  if (!processor.enabled) return new DBTracer(processor, null);
  const { to, line } = await attach(processor);
  if (line) safely(() => (options.log ?? console.error)(line));
  return new DBTracer(processor, to);
}
