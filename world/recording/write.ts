// Recordings as text: one span or record a line, so that differences can be read.
import type { Recording } from './otlp.ts';

export function textOf({ libraries, traces, logs }: Recording): string {
  const requests = (of: object[]) => (of.length === 0 ? '[]' : `[\n${of.map(request).join(',\n')}\n]`);
  return `{"libraries": ${JSON.stringify(libraries)},\n"traces": ${requests(traces)},\n"logs": ${requests(logs)}}\n`;
}

/** Arrays of resources, scopes, spans and records have a line for each member; all else stands in its line. */
function request(json: object): string {
  return lines(json);
}

const BROKEN = /^(?:resourceSpans|scopeSpans|spans|resourceLogs|scopeLogs|logRecords)$/;

function lines(json: unknown): string {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return JSON.stringify(json);
  const members = Object.entries(json)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const isBroken = BROKEN.test(key) && Array.isArray(value);
      return `${JSON.stringify(key)}: ${isBroken ? `[\n${value.map(lines).join(',\n')}]` : JSON.stringify(value)}`;
    });
  return `{${members.join(', ')}}`;
}
