import { setTimeout as pause } from 'node:timers/promises';
import {
  BadRequestException,
  ForbiddenException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { bulkhead, ConsecutiveBreaker, circuitBreaker, handleAll, TimeoutStrategy, timeout } from 'cockatiel';
import ky from 'ky';
import nodemailer from 'nodemailer';
import PQueue from 'p-queue';
import { firstValueFrom, NEVER, timeout as rxTimeout } from 'rxjs';
import superagent from 'superagent';
import { request } from 'undici';
import { z } from 'zod';
import { calls as stores } from './stores.mjs';

const { env } = process;
const tracer = trace.getTracer('mesh-api');

/** What a library without an instrumentation of its own gets from its user. */
export async function within(name, attributes, work, kind = SpanKind.CLIENT) {
  return tracer.startActiveSpan(name, { kind, attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

const rate = async (url, options) => (await request(`${url}/eur`, options)).body.json();
const inner = (work) => within('price order', {}, work, SpanKind.INTERNAL);

async function brokenCircuit() {
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(1) });
  await policy.execute(() => Promise.reject(new Error('first'))).catch(() => {});
  return inner(() => policy.execute(() => rate(env.WORLD_TLS_GOOD)));
}

async function fullBulkhead() {
  const policy = bulkhead(1, 0);
  const held = policy.execute(() => pause(300));
  try {
    return await inner(() => policy.execute(() => pause(1)));
  } finally {
    await held;
  }
}

async function silentMail() {
  const transport = nodemailer.createTransport({
    host: 'partner-3.example',
    port: 80,
    connectionTimeout: 500,
    greetingTimeout: 500,
  });
  return within('smtp send', { 'server.address': 'partner-3.example', 'server.port': 80 }, () =>
    transport.sendMail({ from: 'a@example.org', to: 'b@example.org', text: 'x' }),
  );
}

const mail = (host) => () =>
  within('smtp send', { 'server.address': host, 'server.port': 25 }, () =>
    nodemailer
      .createTransport({ host, port: 25, connectionTimeout: 500 })
      .sendMail({ from: 'a@example.org', to: 'b@example.org', text: 'x' }),
  );

export const calls = {
  ...stores,
  'undici-ok': () => rate(env.WORLD_TLS_GOOD),
  'undici-refused': () => rate(env.WORLD_BROKEN_REFUSED),
  'undici-dns': () => rate('http://rates.internal'),
  'undici-expired': () => rate(env.WORLD_TLS_EXPIRED),
  'undici-unknown-authority': () => rate(env.WORLD_TLS_UNKNOWN),
  'undici-other-name': () => rate(env.WORLD_TLS_OTHER_NAME),
  'undici-headers-timeout': () => rate(env.WORLD_BROKEN_SILENT, { headersTimeout: 500 }),
  'undici-aborted': () => rate(env.WORLD_BROKEN_SILENT, { signal: AbortSignal.timeout(400) }),
  'undici-reset': () => rate(env.WORLD_BROKEN_RESET),
  'undici-hangup': () => rate(env.WORLD_BROKEN_HANGUP),
  'undici-cut': () => rate(env.WORLD_BROKEN_CUT_LENGTH),
  'undici-not-http': () => rate(env.WORLD_BROKEN_NOT_HTTP),
  'undici-html': () => rate(env.WORLD_BROKEN_HTML),
  'undici-plain': () => rate('https://partner-7.example:80'),
  'ky-refused': () => ky(env.WORLD_BROKEN_REFUSED, { retry: 0 }).json(),
  'ky-timeout': () => ky(env.WORLD_BROKEN_SILENT, { retry: 0, timeout: 500 }).json(),
  'superagent-dns': () => superagent.get('http://rates.internal/eur'),
  'superagent-timeout': () => superagent.get(env.WORLD_BROKEN_SILENT).timeout({ response: 500 }),
  'superagent-expired': () => superagent.get(env.WORLD_TLS_EXPIRED),
  'nest-bad-request': () => {
    throw new BadRequestException(['n must be a positive number', 'sku should not be empty']);
  },
  'nest-unauthorized': () => {
    throw new UnauthorizedException('jwt expired');
  },
  'nest-forbidden': () => {
    throw new ForbiddenException('Forbidden resource');
  },
  'nest-unavailable': () => {
    throw new ServiceUnavailableException('warehouse is closed for maintenance');
  },
  'nest-type-error': () => {
    const order = undefined;
    return order.lines.length;
  },
  'nest-zod': () => z.object({ n: z.number().positive() }).parse({ n: -1 }),
  'nest-setting': () => {
    throw new TypeError('Configuration key "TAX_URL" does not exist');
  },
  'rx-timeout': () => inner(() => firstValueFrom(NEVER.pipe(rxTimeout(300)))),
  'queue-timeout': () => inner(() => new PQueue({ concurrency: 1, timeout: 300 }).add(() => pause(2000))),
  'policy-timeout': () => inner(() => timeout(300, TimeoutStrategy.Aggressive).execute(() => pause(2000))),
  'policy-circuit': brokenCircuit,
  'policy-bulkhead': fullBulkhead,
  'mail-refused': mail('mail-1'),
  'mail-dns': mail('mail.internal'),
  'mail-silent': silentMail,
};
