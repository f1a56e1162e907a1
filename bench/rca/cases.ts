// A folder of recorded faults: cases.ndjson, labels.ndjson (never shown to what is tested) and a file of spans a case.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Case {
  caseId: string;
  dataset: string;
  file: string;
  normalFromUnixNano: string;
  normalToUnixNano: string;
  abnormalFromUnixNano: string;
  abnormalToUnixNano: string;
}

export interface Label {
  caseId: string;
  dataset: string;
  rootCauseServices: string[];
  faultType: string;
}

export interface RecordedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  service: string;
  pod: string | null;
  operation: string;
  startUnixNano: string;
  endUnixNano: string;
  status: 'UNSET' | 'OK' | 'ERROR';
  attributes: Record<string, unknown>;
}

/** Cases of a folder, in its order. */
export function readCases(folder: string): Case[] {
  return ndjson(fs.readFileSync(path.join(folder, 'cases.ndjson'), 'utf8'));
}

/** Answers beside the cases, or nothing where the folder has none. */
export function readLabels(folder: string): Label[] | undefined {
  const file = path.join(folder, 'labels.ndjson');
  return fs.existsSync(file) ? ndjson(fs.readFileSync(file, 'utf8')) : undefined;
}

/** Spans of one case. */
export function readSpans(folder: string, one: Case): RecordedSpan[] {
  const raw = fs.readFileSync(path.join(folder, one.file));
  return ndjson((one.file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8'));
}

function ndjson<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T);
}
