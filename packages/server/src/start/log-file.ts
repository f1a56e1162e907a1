// Each service writes its own log file, directly: what it says last is there even when the supervisor is gone.
import * as fs from 'node:fs';

const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

/** Opens for appending; a file past 10 MiB is put aside as `.1` first. The caller closes the descriptor. */
export function openLog(file: string): number {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_BYTES) fs.renameSync(file, `${file}.1`);
  return fs.openSync(file, 'a', 0o600);
}

/** The last lines written after `from` bytes, JSON of the logger put into words. */
export function lastLines(file: string, count: number, from = 0): string[] {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const start = Math.max(size < from ? 0 : from, size - TAIL_BYTES);
  const buffer = Buffer.alloc(size - start);
  const descriptor = fs.openSync(file, 'r');
  try {
    fs.readSync(descriptor, buffer, 0, buffer.length, start);
  } finally {
    fs.closeSync(descriptor);
  }
  const lines = buffer.toString('utf8').split('\n');
  return lines
    .map(inWords)
    .filter((line) => line !== '')
    .slice(-count);
}

export function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

const LEVELS: Record<number, string> = { 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

function inWords(line: string): string {
  if (!line.startsWith('{')) return line.trimEnd();
  try {
    const entry = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } };
    const parts = [LEVELS[entry.level ?? 0] ?? 'debug', entry.msg ?? '', entry.err?.message ?? ''];
    return parts.filter((part, i) => part !== '' && parts.indexOf(part) === i).join(': ');
  } catch {
    return line;
  }
}
