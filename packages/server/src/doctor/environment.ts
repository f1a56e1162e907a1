// What this shell has set, which is not what a running process sees.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Exporter, exporterOf } from './exporter.ts';
import type { Finding } from './finding.ts';
import { missingPreloads } from './variable-languages.ts';
import { examineVariables } from './variables.ts';

export interface Shell {
  /** Whether ENABLE_DB_TRACING is on here. */
  flagOn: boolean;
  flagWords: string;
  /** The same in .env files of this folder; undefined where none has it. */
  fileWords?: string;
  /** OTLP endpoint and how it is spoken to; undefined where nothing here is about OTLP. */
  otlp?: Exporter;
  /** What OpenTelemetry's variables would do to a process that is started with them. */
  findings: Finding[];
}

const ON = /^\s*(?:true|1|on|yes)\s*$/i;

/** Reads environment and .env files. No value is repeated that may hold a secret. */
export function readShell(env: NodeJS.ProcessEnv, dir: string, otlpUrl?: string): Shell {
  const flag = env.ENABLE_DB_TRACING;
  const files = ['.env', '.env.local', '.env.production'].flatMap((name) => flagIn(path.join(dir, name), name));
  const { exporter, findings } = exporterOf(env, dir, otlpUrl);
  return {
    flagOn: ON.test(flag ?? ''),
    flagWords: flag === undefined ? 'ENABLE_DB_TRACING is not set' : `ENABLE_DB_TRACING=${flag.slice(0, 24)}`,
    ...(files.length > 0 && { fileWords: files.join('; ') }),
    ...(exporter && { otlp: exporter }),
    findings: [...examineVariables(env), ...missingPreloads(env, dir), ...findings],
  };
}

function flagIn(file: string, name: string): string[] {
  try {
    const found = /^\s*(?:export\s+)?ENABLE_DB_TRACING\s*=\s*["']?([^"'\n#]*)/m.exec(fs.readFileSync(file, 'utf8'));
    return found ? [`${name}: ENABLE_DB_TRACING=${found[1]?.trim().slice(0, 24)}`] : [];
  } catch {
    return [];
  }
}
