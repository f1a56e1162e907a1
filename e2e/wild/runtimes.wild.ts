// Where code runs: older and newer Node, test runners, threads, clusters, frozen handlers, hot reloads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { project, said, WORK } from './project.ts';

const { url, client } = await testDatabase();
const proxy = await faultyProxy(url);
const wild = await project([
  '@opentelemetry/api',
  'node22@npm:node@22',
  'node24@npm:node@24',
  'vitest',
  'jest',
  'vite',
]);
wild.write('app.mjs', `import { startTracing } from '@project-beacon/tracer';${WORK}`);

async function spansOf(service: string): Promise<string[]> {
  const { rows } = await client.query('select operation from trace_spans where service = $1 order by 1', [service]);
  return rows.map(({ operation }) => operation);
}

for (const version of ['22', '24']) {
  test(`Node ${version} writes its spans`, async () => {
    const env = { DATABASE_URL: url, SERVICE: `node ${version}` };
    const ended = await wild.run(`node_modules/node${version}/bin/node`, ['app.mjs'], env);
    assert.equal(ended.code, 0, ended.output);
    assert.equal(said(ended).written, 2);
  });
}

const TEST = (service: string) => `
  test('spans are written', async () => {
    const tracer = await startTracing({ service: '${service}', flag: 'true' });
    await tracer.withSpan('outer', async () => { await new Promise((resolve) => setImmediate(resolve)); tracer.withSpan('inner', () => {}); });
    const { warnings } = tracer.health();
    await tracer.shutdown();
    expect([tracer.health().spansWritten, warnings]).toEqual([2, []]);
  });
`;

test('Vitest', async () => {
  wild.write(
    'v/a.test.mjs',
    `import { expect, test } from 'vitest'; import { startTracing } from '@project-beacon/tracer'; ${TEST('vitest')}`,
  );
  await wild.bin('vitest', ['run', '--root', 'v'], { DATABASE_URL: url });
  assert.deepEqual(await spansOf('vitest'), ['inner', 'outer']);
});

test('Jest, as CommonJS', async () => {
  wild.write('j/package.json', '{ "type": "commonjs" }');
  wild.write('j/a.test.js', `const { startTracing } = require('@project-beacon/tracer'); ${TEST('jest')}`);
  await wild.bin('jest', ['--rootDir', 'j'], { DATABASE_URL: url });
  assert.deepEqual(await spansOf('jest'), ['inner', 'outer']);
});

test('worker threads each have a tracer of their own, and none holds the process', async () => {
  wild.write(
    'threads.mjs',
    `import { isMainThread, Worker } from 'node:worker_threads';
     import { startTracing } from '@project-beacon/tracer';
     if (isMainThread) {
       for (let i = 0; i < 2; i++) await new Promise((resolve) => new Worker(new URL(import.meta.url)).once('exit', resolve));
     } else {
       const tracer = await startTracing({ service: 'threads', flag: 'true' });
       tracer.withSpan('in a worker', () => {});
       await tracer.shutdown();
     }`,
  );
  const { code, output } = await wild.node(['threads.mjs'], { DATABASE_URL: url });
  assert.equal(code, 0, output);
  assert.deepEqual(await spansOf('threads'), ['in a worker', 'in a worker']);
});

test('the workers of a cluster write theirs when they are told to end', async () => {
  wild.write(
    'cluster.mjs',
    `import cluster from 'node:cluster';
     import { startTracing } from '@project-beacon/tracer';
     if (cluster.isPrimary) {
       for (let i = 0; i < 2; i++) cluster.fork().once('message', function () { this.disconnect(); });
     } else {
       const tracer = await startTracing({ service: 'cluster', flag: 'true' });
       tracer.withSpan('in a process', () => {});
       process.once('disconnect', async () => { await tracer.shutdown(); process.exit(); });
       process.send('done');
     }`,
  );
  const { code, output } = await wild.node(['cluster.mjs'], { DATABASE_URL: url });
  assert.equal(code, 0, output);
  assert.deepEqual(await spansOf('cluster'), ['in a process', 'in a process']);
});

test('a handler that was frozen between calls, whose connection was cut meanwhile, writes the spans of the next call', async () => {
  wild.write(
    'frozen.mjs',
    `import { startTracing } from '@project-beacon/tracer';
     const tracer = await startTracing({ service: 'frozen', flag: 'true' });
     const call = async (name) => { tracer.withSpan(name, () => {}); await tracer.flush(); console.log(name); };
     await call('first');
     process.on('SIGCONT', async () => { await call('second'); process.exit(); });
     setInterval(() => {}, 1_000);`,
  );
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['frozen.mjs'], {
    cwd: wild.dir,
    env: { ...process.env, DATABASE_URL: proxy.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGSTOP');
  // The pooler or the gateway has closed it, and takes new ones.
  proxy.reset();
  child.kill('SIGCONT');
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  assert.deepEqual(await spansOf('frozen'), ['first', 'second']);
});

test('a module that is loaded again, as hot reloads do, goes on with the processor that is there', async () => {
  wild.write(
    'hot/handler.mjs',
    `import { startTracing } from '@project-beacon/tracer'; export const tracer = await startTracing({ service: 'hot', flag: 'true' });`,
  );
  wild.write(
    'hot/dev.mjs',
    `import { createServer } from 'vite';
     const vite = await createServer({ root: 'hot', server: { middlewareMode: true, ws: false }, appType: 'custom', ssr: { noExternal: ['@project-beacon/tracer', '@project-beacon/writer'] }, logLevel: 'error' });
     const { tracer: first } = await vite.ssrLoadModule('/handler.mjs');
     vite.moduleGraph.invalidateAll();
     const { tracer: second } = await vite.ssrLoadModule('/handler.mjs');
     if (first === second) throw new Error('not loaded again');
     first.startSpan('before').end();
     second.startSpan('after').end();
     await second.shutdown();
     console.log('WRITTEN', first.health().spansWritten, second.health().spansWritten);
     process.exit();`,
  );
  const { code, output } = await wild.node(['hot/dev.mjs'], { DATABASE_URL: url });
  assert.equal(code, 0, output);
  assert.match(output, /WRITTEN 2 2/);
  assert.deepEqual(await spansOf('hot'), ['after', 'before']);
});
