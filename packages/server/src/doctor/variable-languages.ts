// Switches of single languages' agents and SDKs, and files that a runtime is to load before the program.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Finding } from './finding.ts';
import type { Variable } from './variable.ts';

const off = (name: string, values: string[], what: string): Variable => ({
  name,
  judge: (value) =>
    values.includes(value.trim().toLowerCase())
      ? {
          fault: 'INSTRUMENTATION_OFF',
          what,
          fix: `Unset ${name} where the process gets its environment, and restart it.`,
        }
      : undefined,
});

const FALSE = ['false', '0'];

/** Names of what instruments incoming requests: without it a Node service begins no trace. */
const SERVERS = /(?:^|,)\s*(?:@opentelemetry\/instrumentation-)?http\s*(?:,|$)/;

export const LANGUAGES: Variable[] = [
  off('OTEL_PYTHON_DISABLED_INSTRUMENTATIONS', ['*'], 'so opentelemetry-instrument instruments no library'),
  off('OTEL_JAVAAGENT_ENABLED', ['false'], 'so the Java agent does nothing'),
  off('OTEL_DOTNET_AUTO_TRACES_ENABLED', FALSE, 'so the .NET agent makes no spans'),
  off('CORECLR_ENABLE_PROFILING', ['0'], 'so the .NET agent is not loaded'),
  off('OTEL_PHP_AUTOLOAD_ENABLED', FALSE, "so PHP's SDK is not started"),
  {
    name: 'OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED',
    judge: (value, env) =>
      value.trim().toLowerCase() === 'false' &&
      !Object.keys(env).some((name) => /^OTEL_INSTRUMENTATION_(?!COMMON)\w+_ENABLED$/.test(name))
        ? {
            fault: 'INSTRUMENTATION_OFF',
            what: 'and no single one is switched on, so the Java agent instruments nothing',
            fix: 'Unset it, or set OTEL_INSTRUMENTATION_<NAME>_ENABLED=true for those that are wanted.',
          }
        : undefined,
  },
  {
    name: 'OTEL_NODE_DISABLED_INSTRUMENTATIONS',
    judge: (value) =>
      SERVERS.test(value)
        ? {
            fault: 'INSTRUMENTATION_OFF',
            what: 'so incoming and outgoing requests of Node make no spans and carry no traceparent',
            fix: 'Take http out of it.',
          }
        : undefined,
  },
  {
    name: 'OTEL_NODE_ENABLED_INSTRUMENTATIONS',
    judge: (value) =>
      value.trim() !== '' && !SERVERS.test(value)
        ? {
            what: 'without http: only these libraries are instrumented, and requests carry no traceparent',
            fix: 'Add http to it, or unset it.',
          }
        : undefined,
  },
  {
    name: 'OTEL_PYTHON_ID_GENERATOR',
    judge: (value) =>
      ['random', 'xray', ''].includes(value.trim())
        ? undefined
        : {
            what: 'which the SDK of Python starts with only where a package of that name is installed',
            fix: 'Unset it, or set it to random.',
          },
  },
];

// What a runtime is told to load first: a file that is not there keeps the program, or its tracing, from starting.
const LOADED: { name: string; files: RegExp }[] = [
  { name: 'NODE_OPTIONS', files: /(?:--require|--import|--loader|-r)[= ]["']?([^\s"']+)/g },
  { name: 'JAVA_TOOL_OPTIONS', files: /-javaagent:["']?([^\s"'=]+)/g },
  { name: 'JDK_JAVA_OPTIONS', files: /-javaagent:["']?([^\s"'=]+)/g },
];

/** Files of agents and set-ups that are not where a variable says. Names of packages are not judged. */
export function missingPreloads(env: NodeJS.ProcessEnv, dir: string): Finding[] {
  return LOADED.flatMap(({ name, files }) => {
    const named = [...(env[name] ?? '').matchAll(files)].map(([, file = '']) => file.replace(/^file:\/\//, ''));
    const gone = named.filter((file) => /^[./]|\.jar$/.test(file) && !fs.existsSync(path.resolve(dir, file)));
    return gone.map(
      (file): Finding => ({
        hop: 'sdk',
        state: 'fault',
        fault: 'PRELOAD_MISSING',
        summary: `${name} in this environment loads ${file}, which is not there: what would start tracing is never loaded`,
        evidence: { variable: name, file, looked_for_in: dir },
        fix: `Correct the path in ${name}; a relative one starts at the folder the process runs in.`,
      }),
    );
  });
}
