// What a user of the packages gets: plain JavaScript that runs with nothing but what the manifests ask for.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { ROOT } from '../sources.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-packed-'));
const modules = path.join(folder, 'node_modules');
after(() => fs.rmSync(folder, { recursive: true, force: true }));

before(() => {
  const packed = spawnSync(process.execPath, [path.join(ROOT, 'scripts/pack.ts'), folder], { encoding: 'utf8' });
  assert.equal(packed.status, 0, packed.stderr);
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  for (const tarball of packed.stdout.trim().split('\n')) install(tarball);
});

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** As npm would, but from what is installed here: only what the manifest names can be found. */
function install(tarball: string): void {
  const name = /project-beacon-(\w+)-/.exec(tarball)?.[1] as string;
  const home = path.join(modules, '@project-beacon', name);
  fs.mkdirSync(home, { recursive: true });
  const unpacked = spawnSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  assert.equal(unpacked.status, 0, String(unpacked.stderr));
  const manifest = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8')) as Manifest;
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = path.join(modules, dependency);
    const target = path.join(ROOT, 'node_modules', dependency);
    if (dependency.startsWith('@project-beacon/') || fs.existsSync(link) || !fs.existsSync(target)) continue;
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(target, link);
  }
}

async function node(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output };
}

test('the tracer runs from its tarball in a plain JavaScript project', async () => {
  const { url, client } = await testDatabase();
  fs.writeFileSync(
    path.join(folder, 'app.js'),
    `import { startTracing } from '@project-beacon/tracer';
     const tracer = await startTracing({ service: 'packed' });
     await tracer.withSpan('work', async () => {
       tracer.setExecutionContext({ executionId: 7 });
     });
     await tracer.shutdown();`,
  );
  const { code, output } = await node(['app.js'], { ENABLE_DB_TRACING: 'true', DATABASE_URL: url });
  assert.equal(code, 0, output);
  assert.match(output, /DBTracer: ENABLED \(ENABLE_DB_TRACING=true\)/);
  const { rows } = await client.query('select operation, execution_id from trace_spans where service = $1', ['packed']);
  assert.deepEqual(rows, [{ operation: 'work', execution_id: '7' }]);
});

test('the command line runs from its tarball, with the SQL it carries', async () => {
  const { url, client } = await testDatabase(false);
  const beacon = 'node_modules/@project-beacon/server/dist/main.js';
  const migrated = await node([beacon, 'migrate', 'up'], { DATABASE_URL: url });
  assert.equal(migrated.code, 0, migrated.output);
  const { rows } = await client.query('select count(*)::int as n from beacon.trace_spans_health');
  assert.ok(rows[0].n > 0);
  const traces = await node([beacon, 'traces', '--json'], { DATABASE_URL: url });
  assert.equal(traces.code, 0, traces.output);
});

test('the server from its tarball serves the web interface it carries', async () => {
  const { url } = await testDatabase();
  const beacon = 'node_modules/@project-beacon/server/dist/main.js';
  const args = [beacon, 'serve', '--port', '0', '--no-otlp', '--no-jaeger'];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url },
    stdio: 'pipe',
  });
  try {
    let port: number | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      port = JSON.parse(line).msg === 'listening' ? JSON.parse(line).port : undefined;
      if (port) break;
    }
    const page = await (await fetch(`http://127.0.0.1:${port}/explore`, { headers: { accept: 'text/html' } })).text();
    const script = /src="(\/main-[^"]+\.js)"/.exec(page)?.[1];
    const answer = await fetch(`http://127.0.0.1:${port}${script}`);
    assert.equal(answer.status, 200);
    assert.match(`${answer.headers.get('cache-control')}`, /immutable/);
  } finally {
    child.kill('SIGKILL');
  }
});
