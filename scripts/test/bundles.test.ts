// The tracer as its users ship it: bundled, minified, as CommonJS. The matrix with other bundlers is in e2e/wild.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { type BuildOptions, build } from 'esbuild';
import { packedProject } from './packed.ts';

const { folder, node } = packedProject();
const { url, client } = await testDatabase();

const WORK = `
async function main() {
  const tracer = await startTracing({ service: process.env.SERVICE, flag: 'true' });
  await tracer.withSpan('outer', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    tracer.withSpan('inner', () => {});
  });
  await tracer.shutdown();
  const { spansWritten, warnings, attachedTo, lastError } = tracer.health();
  console.log(JSON.stringify({ spansWritten, warnings, attachedTo, lastError }));
}
main();
`;

before(() =>
  fs.writeFileSync(path.join(folder, 'app.mjs'), `import { startTracing } from '@project-beacon/tracer';${WORK}`),
);

async function runs(file: string, service: string): Promise<void> {
  const { code, output } = await node([file], { DATABASE_URL: url, SERVICE: service });
  assert.equal(code, 0, output);
  const health = JSON.parse(output.slice(output.indexOf('{')));
  assert.equal(health.spansWritten, 2, output);
  assert.deepEqual([health.warnings, health.lastError], [[], null]);
  assert.match(health.attachedTo, /^a provider of its own/);
  const { rows } = await client.query(
    `select s.operation, p.operation as parent, t.spans_written from trace_spans s join tracers t on t.service = s.service
     left join trace_spans p on p.span_id = s.parent_span_id where s.service = $1 order by 1`,
    [service],
  );
  assert.deepEqual(rows, [
    { operation: 'inner', parent: 'outer', spans_written: '2' },
    { operation: 'outer', parent: null, spans_written: '2' },
  ]);
}

const NEEDS_REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
const KINDS: { name: string; options: BuildOptions }[] = [
  { name: 'cjs', options: { format: 'cjs' } },
  { name: 'cjs-minified', options: { format: 'cjs', minify: true } },
  { name: 'esm', options: { format: 'esm', banner: { js: NEEDS_REQUIRE } } },
  { name: 'esm-minified', options: { format: 'esm', minify: true, banner: { js: NEEDS_REQUIRE } } },
  { name: 'esm-packages-outside', options: { format: 'esm', minify: true, packages: 'external' } },
];

for (const { name, options } of KINDS) {
  test(`bundled by esbuild as ${name}, it writes its spans and its row in tracers`, async () => {
    const outfile = path.join(folder, `${name}.${options.format === 'cjs' ? 'cjs' : 'mjs'}`);
    const entryPoints = [path.join(folder, 'app.mjs')];
    const { warnings } = await build({
      entryPoints,
      outfile,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      ...options,
    });
    assert.deepEqual(warnings, []);
    await runs(outfile, name);
  });
}

test('it runs by require, from the CommonJS it carries', async () => {
  const file = path.join(folder, 'required.cjs');
  fs.writeFileSync(file, `const { startTracing } = require('@project-beacon/tracer');${WORK}`);
  await runs(file, 'required');
});

test('a copy that was imported and one that was required use one processor', async () => {
  const file = path.join(folder, 'both.mjs');
  fs.writeFileSync(
    file,
    `import { createRequire } from 'node:module';
     import * as imported from '@project-beacon/tracer';
     const required = createRequire(import.meta.url)('@project-beacon/tracer');
     if (required.startTracing === imported.startTracing) throw new Error('one copy only');
     const first = await imported.startTracing({ service: 'twins', flag: 'true' });
     const second = await required.startTracing({ service: 'other', flag: 'true' });
     second.startSpan('work').end();
     await first.shutdown();
     console.log(first.processor === second.processor, first.health().spansWritten);`,
  );
  const { code, output } = await node([file], { DATABASE_URL: url });
  assert.equal(code, 0, output);
  assert.match(output, /^true 1$/m);
});
