// Whatever a caller writes, the APIs answer it or refuse it; none fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { jaegerRoutes } from '../../src/compat/jaeger/routes.ts';
import { tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { QUERIES } from '../../src/registry.ts';
import { serve } from '../http/server.ts';

const database = await testDatabase();
const server = await serve(database, {}, (app, pool) => {
  tempoRoutes(app, pool, { prefix: '/tempo' });
  app.register(async (scope) => jaegerRoutes(scope, pool), { prefix: '/jaeger' });
});
await draw(database.client, `front "odd' name\\ |==| kind=server`);

const TEXTS = [
  '',
  ' ',
  '"',
  `'`,
  '\\',
  `'; drop table beacon.trace_spans; --`,
  '$1',
  '%',
  '%00',
  '\u0000',
  '\u{1F980}',
  'x'.repeat(5_000),
  '"'.repeat(500),
  '\n\r\t',
  '{}',
  '[]',
  'null',
  '-1',
  '1e308',
  '9'.repeat(40),
  'NaN',
  '../../etc/passwd',
  'a=b" or "1"="1',
  '{"a":{"b":[1]}}',
  '__proto__',
  'constructor',
];
/** For the operations, of which there are many. */
const WORST = ['', '\u0000', `'`, '-1', '9'.repeat(40), '__proto__'];
const ASKED: Array<[path: string, parameters: string[]]> = [
  [
    '/jaeger/api/traces',
    ['service', 'operation', 'tag', 'tags', 'start', 'end', 'minDuration', 'maxDuration', 'limit', 'traceID', 'raw'],
  ],
  ['/jaeger/api/operations', ['service', 'spanKind']],
  ['/jaeger/api/dependencies', ['endTs', 'lookback', 'service']],
  ['/jaeger/api/v3/traces', ['query.serviceName', 'query.startTimeMin', 'query.attributes', 'query.searchDepth']],
  ['/jaeger/api/v3/operations', ['service', 'span_kind']],
  ['/tempo/api/search', ['q', 'tags', 'minDuration', 'start', 'end', 'limit', 'spss']],
  ['/tempo/api/v2/search/tags', ['scope', 'start', 'limit']],
  ['/tempo/api/v2/search/tag/x/values', ['start', 'limit', 'q']],
  ['/api/v1/export', ['trace_id', 'execution_id']],
  ['/api/v1/trace-columns', ['trace_id', 'execution_id']],
];

for (const [path, parameters] of ASKED) {
  test(`no text makes ${path} fail`, async () => {
    for (const parameter of parameters) {
      for (const text of TEXTS) {
        const { status, body } = await server.ask(`${path}?${new URLSearchParams({ [parameter]: text })}`);
        assert.ok(status < 500, `${parameter}=${JSON.stringify(text).slice(0, 80)}: ${status} ${JSON.stringify(body)}`);
      }
      const twice = await server.ask(`${path}?${parameter}=1&${parameter}=2`);
      assert.ok(twice.status < 500, `${parameter} given twice: ${JSON.stringify(twice.body)}`);
      const broken = await server.ask(`${path}?${parameter}=%ED%A0%80%ff`);
      assert.ok(broken.status < 500, `${parameter} is no UTF-8: ${JSON.stringify(broken.body)}`);
    }
  });
}

test('no text in a path makes a api fail', async () => {
  for (const text of TEXTS) {
    const part = encodeURIComponent(text) || '%20';
    for (const path of [
      `/jaeger/api/traces/${part}`,
      `/jaeger/api/services/${part}/operations`,
      `/jaeger/api/v3/traces/${part}`,
      `/tempo/api/traces/${part}`,
      `/tempo/api/v2/search/tag/${part}/values`,
      `/tempo/api/v2/search/tag/span.${part}/values`,
    ]) {
      const { status, body } = await server.ask(path);
      assert.ok(status < 500, `${path.slice(0, 120)}: ${status} ${JSON.stringify(body)}`);
    }
  }
});

/** They ask other programs, of which none runs here. */
const ASK_OTHERS = ['doctor', 'receipts'];

test('no text in a parameter makes an operation fail', async () => {
  for (const operation of QUERIES.filter(({ mutates, name }) => !mutates && !ASK_OTHERS.includes(name))) {
    for (const parameter of Object.keys(operation.params.shape)) {
      for (const text of WORST) {
        const { status, body } = await server.post(`/api/v1/${operation.name}`, { [parameter]: text });
        assert.ok(
          status < 500,
          `${operation.name} ${parameter}=${JSON.stringify(text).slice(0, 80)}: ${JSON.stringify(body)}`,
        );
      }
    }
  }
});
