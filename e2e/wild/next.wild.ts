// Next.js 16: both of its bundlers, with and without leaving the packages outside.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { project } from './project.ts';

const { url, client } = await testDatabase();
const wild = await project([
  '@opentelemetry/api',
  'next@16',
  'react',
  'react-dom',
  'typescript@5',
  '@types/react',
  '@types/node@24',
]);
wild.write(
  'instrumentation.ts',
  `export async function register() {
     if (process.env.NEXT_RUNTIME !== 'nodejs') return;
     const { startTracing } = await import('@project-beacon/tracer');
     const tracer = await startTracing({ service: process.env.SERVICE ?? 'next', flag: 'true' });
     console.log('HEALTH ' + JSON.stringify(tracer.health().warnings));
   }`,
);
wild.write(
  'app/layout.tsx',
  'export default function L({ children }: { children: React.ReactNode }) { return <html><body>{children}</body></html>; }',
);
wild.write(
  'app/page.tsx',
  `export const dynamic = 'force-dynamic';
   export default async function Page() { return <p>hello</p>; }`,
);

const KINDS = [
  { name: 'turbopack', args: [], config: '{}' },
  { name: 'turbopack outside', args: [], config: "{ serverExternalPackages: ['@project-beacon/tracer'] }" },
  { name: 'webpack', args: ['--webpack'], config: '{}' },
  { name: 'webpack outside', args: ['--webpack'], config: "{ serverExternalPackages: ['@project-beacon/tracer'] }" },
];

for (const { name, args, config } of KINDS) {
  test(`Next.js with ${name}: builds, and the spans of a request are written`, async () => {
    wild.write('next.config.mjs', `export default ${config};`);
    const env = { NEXT_TELEMETRY_DISABLED: '1', DATABASE_URL: url, SERVICE: `next ${name}` };
    await wild.bin('next', ['build', ...args], env);
    const child = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-p', '0', '-H', '127.0.0.1'], {
      cwd: path.join(wild.dir),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    try {
      const address = await until('it serves', () => /Local:\s+(http:\S+)/.exec(output)?.[1], 30_000);
      const page = await fetch(address as string);
      assert.match(await page.text(), /hello/);
      await until(
        'a span of the request is written',
        async () => {
          const { rows } = await client.query(
            `select operation from trace_spans where service = $1 and operation like 'GET%'`,
            [env.SERVICE],
          );
          return rows.length > 0;
        },
        20_000,
      );
      assert.match(output, /HEALTH \[\]/);
    } finally {
      child.kill('SIGKILL');
    }
  });
}
