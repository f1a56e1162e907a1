// What a user of the packages gets: plain JavaScript that runs with nothing but what the manifests ask for.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { packedProject } from './packed.ts';

const { folder, node } = packedProject();

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
