// TypeScript as strict as it gets, without skipLibCheck, under every way of resolving modules.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { project } from './project.ts';

const README = path.join(import.meta.dirname, '../../packages/tracer/README.md');
const { url, client } = await testDatabase();
const wild = await project(
  ['@opentelemetry/api', 'typescript@5', 'fastify', '@types/node@24', 'latest-ts@npm:typescript@latest'],
  {
    type: 'module',
  },
);

const USE = `
import { BeaconSpanProcessor, type DBTracer, logFields, startTracing, type TracerHealth } from '@project-beacon/tracer';
import { fastifyTracing } from '@project-beacon/tracer/fastify';
import { errorReporting } from '@project-beacon/tracer/sentry';
export async function start(): Promise<DBTracer> {
  const tracer = await startTracing({ service: 'typed' });
  const health: TracerHealth = tracer.health();
  const warnings: string[] = health.warnings;
  const { fastify } = await import('fastify');
  await fastify().register(fastifyTracing, { tracer });
  await errorReporting(process.env, 'typed');
  console.log(logFields(), warnings, new BeaconSpanProcessor({ service: 'by hand' }).enabled);
  return tracer;
}
`;
wild.write('esm/use.ts', USE);
wild.write('cjs/package.json', '{ "type": "commonjs" }');
wild.write('cjs/use.ts', USE);

const KINDS = [
  {
    name: 'node10',
    options: ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop'],
    file: 'cjs',
  },
  { name: 'node16', options: ['--module', 'node16'], file: 'esm' },
  { name: 'node16', options: ['--module', 'node16'], file: 'cjs' },
  { name: 'nodenext', options: ['--module', 'nodenext'], file: 'esm' },
  { name: 'nodenext', options: ['--module', 'nodenext'], file: 'cjs' },
  { name: 'bundler', options: ['--module', 'esnext', '--moduleResolution', 'bundler'], file: 'esm' },
];

for (const typescript of ['typescript', 'latest-ts']) {
  for (const { name, options, file } of KINDS) {
    // The compiler of today has dropped it.
    if (typescript === 'latest-ts' && name === 'node10') continue;
    test(`${typescript} under ${name} has nothing to say about an ${file} file`, async () => {
      const tsc = path.join('node_modules', typescript, 'lib/tsc.js');
      const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node'];
      const { code, output } = await wild.node([tsc, ...strict, ...options, `${file}/use.ts`]);
      // Fastify's own declarations are not what is looked at.
      const ours = output
        .split('\n')
        .filter((line) => line !== '' && !/^node_modules\/(?!@project-beacon|@types\/pg)/.test(line));
      assert.deepEqual(
        ours.filter((line) => /error/.test(line)),
        [],
        output,
      );
      assert.ok(code === 0 || output !== '', output);
    });
  }
}

test("the README's first example runs as it stands, and so it is typed", async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(fs.readFileSync(README, 'utf8'))?.[1];
  assert.ok(example);
  wild.write('example.ts', example);
  const tsc = ['node_modules/typescript/lib/tsc.js', '--noEmit', '--strict', '--target', 'es2022', '--types', 'node'];
  const checked = await wild.node([...tsc, '--module', 'nodenext', 'example.ts']);
  assert.equal(checked.code, 0, checked.output);
  const ended = await wild.node(['example.ts'], { DATABASE_URL: url, ENABLE_DB_TRACING: 'true' });
  assert.equal(ended.code, 0, ended.output);
  const { rows } = await client.query(
    `select operation, execution_id from trace_spans where service = 'runner' order by started_at`,
  );
  assert.deepEqual(rows, [{ operation: 'execution.run', execution_id: '2193' }]);
});
