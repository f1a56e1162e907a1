export { DBTracer, type ExecutionContext, type TracerHealth } from './db-tracer.ts';
export { type Flag, readFlag } from './flag.ts';
export { logFields } from './log-fields.ts';
export { BeaconSpanProcessor, type TracerOptions } from './processor.ts';
export type { RecordedResource, RecordedScope, RecordedSpan } from './recorded-span.ts';
export { startTracing } from './start.ts';
export type { ApiCopy, Probe, Surroundings } from './surroundings.ts';
