// OTLP's part of `beacon serve`: its options.
import { redactorFrom } from '@project-beacon/writer';
import type { Command } from 'commander';
import type { VerbOptions } from '../cli/verb.ts';
import type { OtlpOptions } from '../receivers/start.ts';
import { wanted, wholeNumber } from './numbers.ts';

const HTTP_PORT = 4318;
const GRPC_PORT = 4317;
const MEGABYTE = 1024 * 1024;

export function withOtlpOptions(command: Command): Command {
  return command
    .option('--otlp-http-port <port>', `port of OTLP/HTTP (default: OTLP_HTTP_PORT, else ${HTTP_PORT} or a free one)`)
    .option('--otlp-grpc-port <port>', `port of OTLP/gRPC (default: OTLP_GRPC_PORT, else ${GRPC_PORT} or a free one)`)
    .option(
      '--zipkin-port <port>',
      'port for Zipkin v2 JSON, which OTLP/HTTP takes too (default: ZIPKIN_PORT, else none)',
    )
    .option('--otlp-host <host>', 'address of OTLP (default: OTLP_HOST, else 127.0.0.1); others need BEACON_TOKEN')
    .option('--otlp-anonymous', 'OTLP on another address than loopback without BEACON_TOKEN')
    .option('--no-otlp', 'takes no spans');
}

/** What is wanted of OTLP; undefined for nothing. */
export function otlpOptions(
  options: VerbOptions,
  env: NodeJS.ProcessEnv,
): Omit<OtlpOptions, 'connectionString' | 'warn'> | undefined {
  if (options.otlp === false) return undefined;
  const zipkin = options.zipkinPort ?? env.ZIPKIN_PORT;
  return {
    host: String(options.otlpHost ?? env.OTLP_HOST ?? '127.0.0.1'),
    httpPort: wanted('--otlp-http-port', options.otlpHttpPort ?? env.OTLP_HTTP_PORT, HTTP_PORT),
    grpcPort: wanted('--otlp-grpc-port', options.otlpGrpcPort ?? env.OTLP_GRPC_PORT, GRPC_PORT),
    zipkinPort: zipkin === undefined ? undefined : wanted('--zipkin-port', zipkin, 0),
    anonymous: options.otlpAnonymous === true,
    requestsPerMinute: wholeNumber('OTLP_RATE_LIMIT', env.OTLP_RATE_LIMIT ?? 0, 10_000_000),
    maxRequestBytes: wholeNumber('OTLP_MAX_REQUEST_MB', env.OTLP_MAX_REQUEST_MB ?? 64, 1_024) * MEGABYTE,
    maxQueueBytes: wholeNumber('OTLP_MAX_QUEUE_MB', env.OTLP_MAX_QUEUE_MB ?? 24, 65_536) * MEGABYTE,
    redactor: redactorFrom(env),
  };
}
