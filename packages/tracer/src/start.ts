import { attach, attachedProcessor } from './attach.ts';
import { DBTracer } from './db-tracer.ts';
import { safely } from './log.ts';
import { BeaconSpanProcessor, type TracerOptions } from './processor.ts';
import { warningsOf } from './warnings.ts';

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
  const log = options.log ?? console.error;
  if (line) safely(() => log(line));
  // What could not be attached has said so, with its remedy.
  for (const warning of to === null ? [] : warningsOf(processor)) safely(() => log(`DBTracer: ${warning}`));
  return new DBTracer(processor, to);
}
