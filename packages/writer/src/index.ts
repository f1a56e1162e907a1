export { type WriteOptions, type WriteResult, writeBatch } from './batch.ts';
export { Connection, type ConnectionOptions } from './connection.ts';
export { describeError, isDuplicate, isRowsFault, masked } from './errors.ts';
export {
  type ResourceRow,
  resourceRow,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
  type SpanRow,
  type SpanStatus,
  type Time,
} from './row.ts';
export { SpanWriter, type SpanWriterOptions, type WriterCounters } from './span-writer.ts';
