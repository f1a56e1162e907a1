// What this shell has set, which is not what a running process sees.
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface Shell {
  /** Whether ENABLE_DB_TRACING is on here. */
  flagOn: boolean;
  flagWords: string;
  /** The same in .env files of this folder; undefined where none has it. */
  fileWords?: string;
  /** OTLP endpoint and how it is spoken to; undefined where none is set. */
  otlp?: { url: string; protocol: string; headers: Record<string, string>; from: string };
  notes: string[];
}

const ON = /^\s*(?:true|1|on|yes)\s*$/i;

/** Reads environment and .env files. Values other than the flag are never repeated. */
export function readShell(env: NodeJS.ProcessEnv, dir: string, otlpUrl?: string): Shell {
  const flag = env.ENABLE_DB_TRACING;
  const files = ['.env', '.env.local', '.env.production'].flatMap((name) => flagIn(path.join(dir, name), name));
  const endpoint = otlpUrl ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const isWhole = !otlpUrl && env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf';
  const notes: string[] = [];
  if (env.OTEL_SDK_DISABLED === 'true')
    notes.push('OTEL_SDK_DISABLED=true in this shell switches every OpenTelemetry SDK off');
  if (/off/.test(env.OTEL_TRACES_SAMPLER ?? ''))
    notes.push(`OTEL_TRACES_SAMPLER=${env.OTEL_TRACES_SAMPLER} in this shell drops every span`);
  return {
    flagOn: ON.test(flag ?? ''),
    flagWords: flag === undefined ? 'ENABLE_DB_TRACING is not set' : `ENABLE_DB_TRACING=${flag.slice(0, 24)}`,
    ...(files.length > 0 && { fileWords: files.join('; ') }),
    ...(endpoint && {
      otlp: {
        url: isWhole || protocol === 'grpc' ? endpoint : `${endpoint.replace(/\/(?:v1\/traces)?$/, '')}/v1/traces`,
        protocol,
        headers: headersOf(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS),
        from: otlpUrl ? '--otlp' : 'OTEL_EXPORTER_OTLP_*',
      },
    }),
    notes,
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

function headersOf(text = ''): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('=') as [string, string?]);
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => (value ? [[name.trim(), decodeURIComponent(value.trim())]] : [])),
  );
}
