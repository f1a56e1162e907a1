import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { testDatabase } from '@project-beacon/testkit';
import { startTracing } from '@project-beacon/tracer';
import { firstLine, startChild } from './child.ts';

const { client, url } = await testDatabase();
const tracer = await startTracing({ service: 'caller', databaseUrl: url, flag: 'on', log: () => {} });
after(() => tracer.shutdown());

for (const otel2 of [false, true]) {
  test(`a trace and its execution cross HTTP into a service that knows of neither (SDK ${otel2 ? '2.x' : '3.x'})`, async (t) => {
    const service = otel2 ? 'callee 2.x' : 'callee 3.x';
    const callee = startChild(
      `import * as http from 'node:http';
       const tracer = await startTracing({ service: '${service}' });
       const server = http.createServer((request, response) => {
         context.with(tracer.extract(request.headers), () =>
           tracer.withSpan('POST /inference', { kind: SpanKind.SERVER }, async () => {
             await new Promise((resolve) => setImmediate(resolve));
             tracer.withSpan('model.generate', () => {});
           }).then(async () => { await tracer.flush(); response.end('{}'); }));
       });
       server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
      { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: url }, otel2 },
    );
    t.after(() => callee.kill());
    const port = await firstLine(callee);
    const executionId = otel2 ? '2194' : '2193';
    const traceId = await tracer.withSpan('execution.run', { kind: SpanKind.CONSUMER }, async (span) => {
      const execution = {
        jobId: 'job, with "marks"; =',
        executionId,
        modelId: 'llama-3.2-1b',
        region: 'asia-southeast',
      };
      await context.with(tracer.setExecutionContext(execution), async () => {
        const headers = tracer.inject({ 'content-type': 'application/json' });
        await fetch(`http://127.0.0.1:${port}/inference`, { method: 'POST', body: '{}', headers });
      });
      return span.spanContext().traceId;
    });
    await tracer.flush();
    const { rows } = await client.query(
      `select s.service, s.operation, p.operation as parent, s.job_id, s.model_id, s.region, s.flags & 512 > 0 as remote
       from trace_spans s left join trace_spans p on p.trace_id = s.trace_id and p.span_id = s.parent_span_id
       where s.trace_id = $1 and s.execution_id = $2 order by array_position(array['execution.run', 'POST /inference'], s.operation)`,
      [traceId, executionId],
    );
    const columns = { job_id: 'job, with "marks"; =', model_id: 'llama-3.2-1b', region: 'asia-southeast' };
    assert.deepEqual(rows, [
      { service: 'caller', operation: 'execution.run', parent: null, ...columns, remote: false },
      { service, operation: 'POST /inference', parent: 'execution.run', ...columns, remote: true },
      { service, operation: 'model.generate', parent: 'POST /inference', ...columns, remote: false },
    ]);
    const found = await client.query('select trace_id from trace_executions where execution_id = $1', [executionId]);
    assert.equal(found.rowCount, 1);
    const summed = await client.query('select services, span_count, root_service from traces where trace_id = $1', [
      traceId,
    ]);
    assert.deepEqual(summed.rows[0].services.sort(), [service, 'caller'].sort());
    assert.equal(summed.rows[0].span_count, 3);
    assert.equal(summed.rows[0].root_service, 'caller');
  });
}

test("the tracer's own work is neither traced nor carried along by the application's context", async () => {
  const before = tracer.processor.counters().started;
  const carried = tracer.setExecutionContext({ executionId: 1 });
  await context.with(carried, async () => {
    for (let i = 0; i < 300; i++) tracer.startSpan('fills the buffer').end();
    await tracer.flush();
  });
  assert.equal(tracer.processor.counters().started - before, 300);
  const inside = await new Promise((resolve) => {
    const server = http.createServer((_, response) => {
      resolve([trace.getActiveSpan(), propagation.getActiveBaggage()]);
      response.end();
    });
    server.listen(0, '127.0.0.1', () => {
      http.get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }, () => server.close());
    });
  });
  assert.deepEqual(inside, [undefined, undefined]);
});
