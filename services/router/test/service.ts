// The router in this process, in front of given providers.
import { startTracing } from '@project-beacon/tracer';
import { pino } from 'pino';
import { buildRouter } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

export async function startRouter(
  providers: object[],
  env: Record<string, string> = {},
  log = pino({ level: 'silent' }),
) {
  const config = readConfig({ PROVIDERS: JSON.stringify(providers), ...env });
  const tracer = await startTracing({ service: 'router', flag: 'false', log: () => {} });
  const app = await buildRouter({ config, tracer, log, env });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });

  return {
    close: () => app.close(),
    /** Status and body of POST /inference. */
    async ask(body: object = {}) {
      const response = await fetch(`${address}/inference`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'llama-3.2-1b', region: 'eu', question: 'What is 2+2?', ...body }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
    },
    async providers() {
      const { providers } = (await (await fetch(`${address}/providers`)).json()) as { providers: ProviderStatus[] };
      return providers;
    },
  };
}

export interface Answer {
  answer: string;
  provider: string;
  simulated: boolean;
  usage: { inputTokens: number; outputTokens: number };
  attempts: { provider: string; code: string }[];
  error: { code: string; message: string; param: string | null; attempts: { provider: string; code: string }[] };
}

export interface ProviderStatus {
  name: string;
  url: string;
  healthy: boolean;
  circuit: string;
  calls: number;
  lastError: { code: string; message: string } | null;
}
