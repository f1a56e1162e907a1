// An application that brings another version of @opentelemetry/api than the tracer: its registration counts, the tracer's
// does not, and nothing says so.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { accused, ask, startApp, workDatabase } from './app.ts';

const FIXTURE = path.join(import.meta.dirname, '../../../../fixtures/otel2/node_modules');
const TRACER = pathToFileURL(path.join(import.meta.dirname, '../../../tracer/src/index.ts')).href;

const PROGRAM = `
import * as http from 'node:http';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
trace.setGlobalTracerProvider(new BasicTracerProvider());
const { startTracing } = await import('${TRACER}');
const tracer = await startTracing({ service: 'shop', log: () => {}, heartbeatMs: 200 });
trace.getTracer('app').startSpan('work').end();
http.createServer(async (request, response) => {
  const body = request.url === '/health' ? { status: 'ok' } : request.url.endsWith('probe') ? await tracer.probe() : tracer.health();
  response.end(JSON.stringify(body));
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
process.stdin.resume().once('end', () => process.exit());
`;

test('two versions of the API package: DUPLICATE_API, with both versions', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-api-'));
  after(() => fs.rmSync(dir, { recursive: true }));
  fs.cpSync(FIXTURE, path.join(dir, 'node_modules'), { recursive: true });
  fs.symlinkSync(
    path.join(import.meta.dirname, '../../../../node_modules/@opentelemetry/semantic-conventions'),
    path.join(dir, 'node_modules/@opentelemetry/semantic-conventions'),
  );
  fs.writeFileSync(path.join(dir, 'app.mjs'), PROGRAM);
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url }, path.join(dir, 'app.mjs'));
  const diagnosis = await ask(database.url, [app]);
  assert.deepEqual(accused(diagnosis), ['DUPLICATE_API'], JSON.stringify(diagnosis, null, 1));
  assert.match(JSON.stringify(diagnosis.faults), /1\.9\.1/);
});
