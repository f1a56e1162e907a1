// Bundlers as their users run them, in the modes that rename, inline and drop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { project, said, WORK } from './project.ts';

const { url, client } = await testDatabase();
const wild = await project([
  '@opentelemetry/api',
  'esbuild',
  'webpack',
  'webpack-cli',
  'rollup',
  '@rollup/plugin-node-resolve',
  '@rollup/plugin-commonjs',
  '@rollup/plugin-json',
  '@rollup/plugin-terser',
  'vite',
]);
wild.write('app.mjs', `import { startTracing } from '@project-beacon/tracer';${WORK}`);
wild.write('cjs.cjs', `const { startTracing } = require('@project-beacon/tracer');${WORK}`);
wild.write(
  'rollup.config.mjs',
  `import resolve from '@rollup/plugin-node-resolve';
   import commonjs from '@rollup/plugin-commonjs';
   import json from '@rollup/plugin-json';
   import terser from '@rollup/plugin-terser';
   const plugins = [resolve({ preferBuiltins: true }), commonjs({ ignoreTryCatch: true }), json(), terser()];
   export default [
     { input: 'app.mjs', plugins, output: { file: 'rollup.cjs', format: 'cjs', inlineDynamicImports: true } },
     { input: 'app.mjs', plugins, output: { file: 'rollup.mjs', format: 'es', inlineDynamicImports: true } },
   ];`,
);
wild.write(
  'vite.config.mjs',
  `export default { build: { ssr: 'app.mjs', outDir: 'vite', minify: true, rollupOptions: { output: { entryFileNames: 'main.mjs' } } }, ssr: { noExternal: true } };`,
);

const BANNER = "--banner:js=import{createRequire}from'module';const require=createRequire(import.meta.url);";
const KINDS: { name: string; bin: string; args: string[]; file: string }[] = [
  ...['', '--minify'].flatMap((minify) =>
    (['cjs', 'esm'] as const).map((format) => ({
      name: `esbuild ${format} ${minify}`.trim(),
      bin: 'esbuild',
      args: [
        'app.mjs',
        '--bundle',
        '--platform=node',
        `--format=${format}`,
        ...(minify ? [minify] : []),
        ...(format === 'esm' ? [BANNER] : []),
        `--outfile=esbuild${minify}.${format === 'esm' ? 'mjs' : 'cjs'}`,
      ],
      file: `esbuild${minify}.${format === 'esm' ? 'mjs' : 'cjs'}`,
    })),
  ),
  ...['app.mjs', 'cjs.cjs'].flatMap((entry) =>
    ['production', 'development'].map((mode) => ({
      name: `webpack ${mode} of ${entry}`,
      bin: 'webpack',
      args: ['--mode', mode, '--target', 'node', '--entry', `./${entry}`, '-o', `webpack-${mode}-${entry}`],
      file: `webpack-${mode}-${entry}/main.js`,
    })),
  ),
  { name: 'rollup cjs', bin: 'rollup', args: ['-c', '--silent'], file: 'rollup.cjs' },
  { name: 'rollup esm', bin: 'rollup', args: ['-c', '--silent'], file: 'rollup.mjs' },
  { name: 'vite ssr', bin: 'vite', args: ['build'], file: 'vite/main.mjs' },
];

for (const { name, bin, args, file } of KINDS) {
  test(`${name}: builds, and writes its spans and its row in tracers`, async () => {
    await wild.bin(bin, args);
    const ended = await wild.node([file], { DATABASE_URL: url, SERVICE: name });
    assert.equal(ended.code, 0, ended.output);
    const { written, warnings } = said(ended);
    assert.deepEqual([written, warnings], [2, []], ended.output);
    const { rows } = await client.query('select spans_written from tracers where service = $1', [name]);
    assert.deepEqual(rows, [{ spans_written: '2' }]);
  });
}
