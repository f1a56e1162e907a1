// The service in this process, on ports of its own.
import { startTracing } from '@project-beacon/tracer';
import { pino } from 'pino';
import { buildInference } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

export async function startService(env: Record<string, string> = {}) {
  const config = readConfig({ PORT: '0', REGIONS: 'us-east=0,eu-west=0', LOG_LEVEL: 'silent', ...env });
  const tracer = await startTracing({ service: 'inference', flag: 'false', log: () => {} });
  const inference = await buildInference({ config, tracer, log: pino({ level: config.LOG_LEVEL }) });
  const control = `http://127.0.0.1:${await inference.listen()}`;
  const ports = inference.endpoints.ports();

  return {
    control,
    close: () => inference.close(),
    ask: (region: string, body: object = {}, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${ports[region]}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          model: 'llama-3.2-1b',
          messages: [{ role: 'user', content: 'What is 2+2?' }],
          ...body,
        }),
      }),
    fault: (region: string, body: object) =>
      fetch(`${control}/faults/${region}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    clear: (region: string) => fetch(`${control}/faults/${region}`, { method: 'DELETE' }),
  };
}
