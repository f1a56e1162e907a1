// Where the time went, by service and operation.
import { isFailure, type Trace } from './model.ts';

/** Microseconds. */
export interface OperationTime {
  service: number;
  name: number;
  spans: number;
  failed: number;
  self: number;
  /** Sum of durations; nested spans of one operation count twice. */
  total: number;
  longest: number;
  /** First span of the operation. */
  first: number;
}

/** One row per operation, most time of its own first. */
export function selfTimes(trace: Trace): OperationTime[] {
  const found = new Map<number, OperationTime>();
  for (let row = 0; row < trace.count; row++) {
    const key = trace.service[row]! * trace.names.length + trace.name[row]!;
    const duration = trace.end[row]! - trace.start[row]!;
    let entry = found.get(key);
    if (!entry) {
      entry = {
        service: trace.service[row]!,
        name: trace.name[row]!,
        spans: 0,
        failed: 0,
        self: 0,
        total: 0,
        longest: 0,
        first: row,
      };
      found.set(key, entry);
    }
    entry.spans++;
    entry.self += trace.self[row]!;
    entry.total += duration;
    entry.longest = Math.max(entry.longest, duration);
    if (isFailure(trace.status[row]!)) entry.failed++;
  }
  return [...found.values()].sort((a, b) => b.self - a.self);
}
