// The reading receivers' part of `beacon serve`: their ports and limits.
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import type { VerbOptions } from '../cli/verb.ts';
import { BeaconError } from '../store/errors.ts';
import { type Wanted, wanted, wholeNumber } from './numbers.ts';

const PORT = 8080;
const JAEGER_PORT = 16_686;
const HOST = '127.0.0.1';
/** Requests a minute from one address, where others than this machine can ask. */
const REQUESTS_PER_MINUTE = 1_200;
const STATEMENT_TIMEOUT_MS = 15_000;

export interface ReadingOptions {
  host: string;
  isLoopback: boolean;
  port: Wanted;
  /** Undefined for no such receiver. */
  jaegerPort: Wanted | undefined;
  tempoPort: Wanted | undefined;
  origins: string[];
  requestsPerMinute: number;
  statementTimeoutMs: number;
}

export function withReadingOptions(command: Command): Command {
  return command
    .option('--port <port>', `port (default: PORT, else ${PORT}; 0 lets the system choose)`)
    .option('--host <host>', `address to listen on (default: HOST, else ${HOST}); others need BEACON_TOKEN`)
    .option('--anonymous', 'lets everybody read who reaches the address, without BEACON_TOKEN')
    .option(
      '--jaeger-port <port>',
      `port of Jaeger's query API (default: JAEGER_PORT, else ${JAEGER_PORT} or a free one)`,
    )
    .option('--no-jaeger', "no port of Jaeger's query API")
    .option('--tempo-port <port>', "port of Tempo's API, which is under /tempo too (default: TEMPO_PORT, else none)");
}

/**
 * What is wanted of the reading receivers.
 *
 * @param isLoopback Whether only this machine reaches an address.
 * @throws BeaconError when a setting is wrong, or anyone could read and no option allows that.
 */
export function readingOptions(
  options: VerbOptions,
  env: NodeJS.ProcessEnv,
  isLoopback: (host: string) => boolean,
): ReadingOptions {
  const host = String(options.host ?? env.HOST ?? HOST);
  const local = isLoopback(host);
  if (!local && !env.BEACON_TOKEN && options.anonymous !== true) {
    throw new BeaconError(
      'usage',
      `Listening on ${host} would let anyone who can reach it read every trace.`,
      'Set BEACON_TOKEN, which clients then send as a bearer token, or say --anonymous.',
    );
  }
  const tempo = options.tempoPort ?? env.TEMPO_PORT;
  return {
    host,
    isLoopback: local,
    port: { port: wholeNumber('--port', options.port ?? env.PORT ?? PORT, 65_535), strict: true },
    jaegerPort:
      options.jaeger === false
        ? undefined
        : wanted('--jaeger-port', options.jaegerPort ?? env.JAEGER_PORT, JAEGER_PORT),
    tempoPort: tempo === undefined ? undefined : wanted('--tempo-port', tempo, 0),
    origins: originsOf(env.BEACON_CORS_ORIGINS),
    requestsPerMinute: wholeNumber(
      'BEACON_RATE_LIMIT',
      env.BEACON_RATE_LIMIT ?? (local ? 0 : REQUESTS_PER_MINUTE),
      1_000_000,
    ),
    statementTimeoutMs: wholeNumber(
      'BEACON_STATEMENT_TIMEOUT_MS',
      env.BEACON_STATEMENT_TIMEOUT_MS ?? STATEMENT_TIMEOUT_MS,
      600_000,
    ),
  };
}

/** `https://a.example,http://localhost:3000`, each as a browser writes it. */
function originsOf(list: string | undefined): string[] {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const wrong = names.find((name) => URL.parse(name)?.origin !== name);
  if (wrong === undefined) return names;
  throw new BeaconError(
    'usage',
    `BEACON_CORS_ORIGINS has "${wrong}", which is not an origin.`,
    'It is a list like https://grafana.example,http://localhost:3000: scheme, host and port, nothing after them.',
  );
}

/**
 * Listens, on another port where the wanted one is busy and need not be it.
 *
 * @param receiver As a user knows it, with the option that sets its port.
 * @returns where, and a sentence when that is another port than wanted.
 * @throws BeaconError when a strict port is busy, or the address is not ours.
 */
export async function listen(
  app: FastifyInstance,
  host: string,
  { port, strict }: Wanted,
  receiver: { name: string; option: string },
): Promise<{ address: AddressInfo; note: string | undefined }> {
  let note: string | undefined;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || strict) {
      const what =
        code === 'EADDRINUSE' ? `Port ${port} on ${host} is busy.` : `Cannot listen on ${host}:${port}: ${message}`;
      const hint = `Choose another one with ${receiver.option} (0 lets the system choose) or --host.`;
      throw new BeaconError('internal', what, hint);
    }
    await app.listen({ host, port: 0 });
    note = `Port ${port} is busy: ${receiver.name} listens on ${(app.server.address() as AddressInfo).port} instead.`;
  }
  return { address: app.server.address() as AddressInfo, note };
}
