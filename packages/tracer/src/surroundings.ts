// What of this process decides whether its spans arrive, as far as it can be seen from inside: for `beacon doctor`.
import * as fs from 'node:fs';
import * as module from 'node:module';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as util from 'node:util';
import { context, createContextKey, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { BeaconSpanProcessor } from './processor.ts';
import { hands } from './provider-processors.ts';
import { className, foreignProvider, registeredApi, registeredProvider } from './registered.ts';
import { type Sampling, samplingOf } from './sampling.ts';
import { decisive } from './variables.ts';

/** A copy of `@opentelemetry/api` that code of this process gets. */
export interface ApiCopy {
  /** Whose copy it is. */
  of: 'tracer' | 'application';
  version: string;
  /** Whether it sees the registered provider; one that does not makes spans that are not recorded. */
  works: boolean;
}

export interface Surroundings {
  apiCopies: ApiCopy[];
  /** Version of the copy that registered first; others must be no newer. */
  apiRegistered: string | null;
  /** Class of the registered provider; null when there is none. */
  provider: string | null;
  /** Whether that provider hands its spans to this tracer. */
  providerIsOurs: boolean;
  sampler: string | null;
  /** Share of root spans that sampler keeps, 0 to 1, from a hundred decisions; null when it cannot be asked. */
  samplerKeeps: number | null;
  /** Variables of this process's environment that decide whether spans are made and where they go; no secrets. */
  environment: Record<string, string>;
  /** Whether a context survives a call. */
  contextManager: boolean;
  propagates: string[];
  entry: 'esm' | 'commonjs' | 'unknown';
  /** Whether something was loaded before the program, by --import, --require or a loader. */
  preloaded: boolean;
  /** Whether instrumentations wait for `require`, which a library that was imported never calls. */
  requireIsPatched: boolean;
  /** Libraries that were there before the instrumentation that patches libraries as they are loaded. */
  loadedBefore: string[];
  /** Incoming contexts that said what became of sampling, and those whose caller had decided against it. */
  callers: { total: number; unsampled: number };
  inContainer: boolean;
  /** Spans this tracer made to test itself. */
  probes: number;
}

interface Api {
  trace: object & { getTracerProvider(): unknown };
}

const NO_TRACE = '0'.repeat(32);

/** Never throws; what cannot be found out is null, `unknown` or empty. */
export function surroundings(
  processor: BeaconSpanProcessor,
  callers: Surroundings['callers'],
  probes: number,
): Surroundings {
  const provider = registeredProvider();
  const sampling: Sampling = samplingOf(provider);
  return {
    apiCopies: apiCopies(provider !== undefined),
    apiRegistered: registeredApi()?.version ?? null,
    provider: nameOf(provider ?? foreignProvider()),
    providerIsOurs: hands(provider, processor),
    sampler: sampling.name,
    samplerKeeps: sampling.keeps,
    environment: decisive(process.env),
    contextManager: contextSurvives(),
    propagates: propagation.fields(),
    entry: entryKind(),
    preloaded: /--(?:import|require|loader|experimental-loader)\b|(?:^|\s)-r\s/.test(
      [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' '),
    ),
    requireIsPatched: /patchedRequire/.test(String(module.Module?.prototype?.require)),
    loadedBefore: loadedBefore(),
    callers: { ...callers },
    inContainer: fs.existsSync('/.dockerenv') || fs.existsSync('/run/.containerenv'),
    probes,
  };
}

function nameOf(provider: unknown): string | null {
  return provider === undefined ? null : (className(provider) ?? 'a provider whose name a minifier has taken');
}

/** The one the program itself would get may lie elsewhere than ours, or be of another version. */
function apiCopies(registered: boolean): ApiCopy[] {
  if (!copies) copies = findCopies();
  const global = registeredApi()?.trace;
  return [
    ...(copies.own ? [{ of: 'tracer' as const, version: copies.own, works: !global || registered }] : []),
    ...(copies.application
      ? [
          {
            of: 'application' as const,
            version: copies.application.version,
            // A copy that may not use what is registered answers with a provider of its own.
            works: !global || copies.application.api.trace.getTracerProvider() === global,
          },
        ]
      : []),
  ];
}

// Files do not move while a process runs.
let copies: { own: string | undefined; application: { version: string; api: Api } | undefined } | undefined;

function findCopies(): NonNullable<typeof copies> {
  // Where this code runs from; a bundle finds the copy that its own folder would give it.
  const own = versionAt(util.getCallSites(1)[0]?.scriptName ?? '');
  try {
    const from = pathToFileURL(fs.realpathSync(process.argv[1] ?? '')).href;
    const its = versionAt(from);
    if (its && its.file !== own?.file) {
      const api = module.createRequire(from)('@opentelemetry/api') as Api;
      return { own: own?.version, application: { version: its.version, api } };
    }
  } catch {
    // A program given by --eval, or one that does not use the API.
  }
  return { own: own?.version, application: undefined };
}

/** The API that code of this file gets. */
function versionAt(from: string): { file: string; version: string } | undefined {
  try {
    const file = fs.realpathSync(module.createRequire(from).resolve('@opentelemetry/api'));
    for (let dir = path.dirname(file); dir !== path.dirname(dir); dir = path.dirname(dir)) {
      const manifest = path.join(dir, 'package.json');
      if (!fs.existsSync(manifest)) continue;
      const { name, version } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
      if (name === '@opentelemetry/api') return { file: dir, version };
    }
  } catch {
    // Bundled, perhaps.
  }
  return undefined;
}

function contextSurvives(): boolean {
  const key = createContextKey('beacon surroundings');
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true);
}

function entryKind(): Surroundings['entry'] {
  const [, program] = process.argv;
  if (!program) return 'unknown';
  try {
    const file = fs.realpathSync(program);
    if (/\.m[jt]s$/.test(file)) return 'esm';
    if (/\.c[jt]s$/.test(file)) return 'commonjs';
    for (let dir = path.dirname(file); dir !== path.dirname(dir); dir = path.dirname(dir)) {
      const manifest = path.join(dir, 'package.json');
      if (fs.existsSync(manifest)) {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module' ? 'esm' : 'commonjs';
      }
    }
    return 'commonjs';
  } catch {
    return 'unknown';
  }
}

// Those for which OpenTelemetry has instrumentations that patch them.
const PATCHED =
  /[\\/]node_modules[\\/](amqplib|aws-sdk|bunyan|cassandra-driver|connect|express|fastify|graphql|@grpc[\\/]grpc-js|@hapi[\\/]hapi|ioredis|kafkajs|knex|koa|memcached|mongodb|mongoose|mysql2?|@nestjs[\\/]core|pg|pino|redis|restify|socket\.io|tedious|winston)[\\/]/;
const INSTRUMENTATION = /[\\/]node_modules[\\/](?:@opentelemetry[\\/]instrumentation|require-in-the-middle)[\\/]/;

/** The cache of modules keeps the order in which they were loaded. */
function loadedBefore(): string[] {
  // What require.cache shows, without a require of one's own, which ES modules and bundles do not have.
  const { _cache: cache } = (module.Module ?? {}) as unknown as { _cache?: object };
  const files = Object.keys(cache ?? {});
  const instrumentation = files.findIndex((file) => INSTRUMENTATION.test(file));
  const before = files.slice(0, Math.max(0, instrumentation));
  return [...new Set(before.flatMap((file) => PATCHED.exec(file)?.[1] ?? []))];
}

/** A span of its own, made the way the application makes them. */
export interface Probe {
  /** 32 hexadecimal digits; null when no SDK made the span. */
  traceId: string | null;
  /** Whether the sampler kept it. */
  sampled: boolean;
  /** Whether the writer says that it is stored; the caller should read it back. */
  written: boolean;
  /** Milliseconds from the start of the span to the answer of the database. */
  milliseconds: number;
}

const PROBE_WITHIN_MS = 3_000;

/** Sends a span down the whole path and waits for the database. */
export async function sendProbe(processor: BeaconSpanProcessor): Promise<Probe> {
  const started = performance.now();
  const span = trace.getTracer('@project-beacon/tracer').startSpan('beacon.probe', { root: true });
  const { traceId, traceFlags } = span.spanContext();
  span.end();
  // Whatever keeps the writer busy must not hold up the caller.
  let limit: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    limit = setTimeout(resolve, PROBE_WITHIN_MS);
  });
  await Promise.race([processor.forceFlush(), enough]);
  clearTimeout(limit);
  const { queued, lastWrittenAt } = processor.counters();
  const sampled = (traceFlags & 1) === 1;
  const stored = sampled && processor.enabled && queued === 0 && lastWrittenAt !== null;
  return {
    traceId: traceId === NO_TRACE ? null : traceId,
    sampled,
    written: stored,
    milliseconds: performance.now() - started,
  };
}
