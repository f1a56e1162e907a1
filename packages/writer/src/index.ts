export { type WriteOptions, type WriteResult, writeBatch } from './batch.ts';
export { COLUMN_BYTES, COLUMNS } from './columns.ts';
export { Connection, type ConnectionOptions } from './connection.ts';
export { decodeLine, type SpanFacts } from './encode.ts';
export { EncodedBatch } from './encoded-batch.ts';
export { describeError, isDuplicate, isRowsFault } from './errors.ts';
export { type GroupCounters, GroupWriter, type GroupWriterOptions, UnavailableError } from './group-writer.ts';
export { isEvaluation, type LogRow, LogWriter, type LogWriterOptions, type WrittenLogs } from './log-writer.ts';
export { executionOf, isTimeout } from './meaning.ts';
export type { RejectedRow } from './poison.ts';
export { shownAddress, shownDatabase, withoutPieces } from './redact/connection.ts';
export type { KeySecrecy } from './redact/keys.ts';
export { ITEM } from './redact/match.ts';
export { hidden, pairRole, REDACTED, Redactor, type RedactorOptions, redactorFrom } from './redact/redactor.ts';
export { SUSPICIOUS, words as secretWords } from './redact/words.ts';
export { Repairs, repairedKey, repairedText } from './repair.ts';
export {
  type EncodedResource,
  type ResourceRow,
  resourceId,
  resourceRow,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
  type SpanRow,
  type SpanStatus,
  type Time,
} from './row.ts';
export { SpanWriter, type SpanWriterOptions, type WriterCounters } from './span-writer.ts';
export { TimeSlice } from './time-slice.ts';
