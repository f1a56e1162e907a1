// A route an operation, described in OpenAPI, and every answer as described.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import { doctorRows } from '../../src/doctor/rows.ts';
import { provideDoctor } from '../../src/queries/actions.ts';
import { QUERIES } from '../../src/registry.ts';
import { serve } from './server.ts';

const database = await testDatabase();
const server = await serve(database);
// As the program does, which puts the parts together.
provideDoctor(({ databaseUrl }) => doctorRows(databaseUrl, []));

const failed = await draw(
  database.client,
  `
runner execution.run         |==========x| kind=consumer error=ProviderError message="no answer"
  runner POST                | =======x  | kind=client http.request.method=POST
    router POST /v1/chat     |  =====x   | kind=server http.response.status_code=502
      router provider.call   |   ===x    | kind=client error=ECONNREFUSED message="connect ECONNREFUSED"`,
  { execution: 2193, job: '472' },
);
const good = await draw(database.client, 'runner execution.run |=====| kind=consumer', { execution: 2188, job: '472' });
// Two jobs, each with questions that two regions answered.
for (const [n, job_id] of ['472', '473'].entries()) {
  for (const [m, [region, question, answer]] of [
    ['us-east', 'Capital of Australia?', 'Canberra'],
    ['eu-west', 'Capital of Australia?', 'Sydney'],
    ['us-east', '2+2?', '4'],
    ['eu-west', '2+2?', '4'],
  ].entries()) {
    const told = {
      execution_id: m === 0 && n === 0 ? 2193 : 3000 + 10 * n + m,
      job_id,
      model_id: 'm',
      region,
      question,
      answer,
    };
    await database.client.query('select beacon.record_answer($1)', [JSON.stringify(told)]);
  }
}
await database.client.query('analyze');

/** Parameters with which each operation that needs some finds something. */
const PARAMS: Record<string, Record<string, string>> = {
  compare: { a: failed.traceId, b: good.traceId },
  span: { trace_id: failed.traceId, span_id: failed.ids.get('router provider.call') as string },
  'attribute-values': { key: 'http.request.method' },
  'job-matrix': { job_id: '472' },
  'compare-jobs': { job_a: '472', job_b: '473' },
  'job-comparison': { job_a: '472', job_b: '473' },
  gate: { job_id: '473', against: '472' },
  answers: { job_id: '472' },
  'job-scores': { job_id: '472' },
};
/** They answer without any parameter, and more so. */
const BY_CHOICE = new Set(['search', 'spans', 'coverage']);
const VALUES: Record<string, string> = { execution_id: '2193', job_id: '472', statement: 'select 1 as one' };

function paramsOf(query: (typeof QUERIES)[number]): Record<string, string> {
  if (PARAMS[query.name]) return PARAMS[query.name] as Record<string, string>;
  const { properties = {} } = z.toJSONSchema(query.params, { io: 'input', unrepresentable: 'any' });
  const given = Object.keys(VALUES).filter((name) => name in properties && !BY_CHOICE.has(query.name));
  return Object.fromEntries(given.map((name) => [name, VALUES[name] as string]));
}

/** It asks the runner, of which none runs here. */
const ASKS_ANOTHER = 'receipts';

test('receipts are none, and that is said, where the server knows no runner', async () => {
  const { status, body } = await server.ask('/api/v1/receipts?execution_id=1');
  assert.equal(status, 200);
  assert.deepEqual(body.rows, []);
  assert.match(body.truncated, /knows no runner: RUNNER_URL is not set/);
});

for (const query of QUERIES.filter(({ mutates, name }) => !mutates && name !== ASKS_ANOTHER)) {
  test(`${query.name} answers by GET and by POST with the columns it declares`, async () => {
    const params = paramsOf(query);
    const got = await server.ask(`/api/v1/${query.name}?${new URLSearchParams(params)}`);
    assert.equal(got.status, 200, JSON.stringify(got.body));
    const declared = Object.keys(query.row.shape).sort();
    for (const row of got.body.rows) {
      assert.deepEqual(Object.keys(row).sort(), declared);
      const { error } = query.row.safeParse(row);
      assert.equal(error, undefined, String(error));
    }
    assert.match(got.body.database, /^postgresql:\/\/[^:]+:\*\*\*@/);
    assert.match(got.body.schema, /^\d{4}_\w+\+[0-9a-f]{8}$/);
    assert.equal(got.headers.get('cache-control'), 'no-store');
    const posted = await server.post(`/api/v1/${query.name}`, params);
    assert.equal(posted.status, 200);
    assert.deepEqual(Object.keys(posted.body), Object.keys(got.body));
    assert.equal(posted.body.rows.length, got.body.rows.length);
  });

  test(`${query.name} refuses what it does not know`, async () => {
    const { status, body } = await server.ask(`/api/v1/${query.name}?nonsense=1`);
    assert.equal(status, 400);
    assert.deepEqual([body.type, body.title, body.status, body.code], ['about:blank', 'Bad Request', 400, 'usage']);
    assert.ok(body.errors.some(({ parameter }: { parameter: string }) => parameter === 'nonsense'));
    assert.ok(body.request_id && body.hint && body.detail);
  });
}

test('every query that changes something is there by POST only', async () => {
  for (const { name, mutates } of QUERIES) {
    if (mutates) assert.equal((await server.ask(`/api/v1/${name}`)).status, 404, name);
  }
  const { body } = await server.ask('/api/v1');
  assert.deepEqual(
    body.queries.map(({ name, methods }: { name: string; methods: string[] }) => [name, methods.length === 1]),
    QUERIES.map(({ name, mutates }) => [name, mutates]),
  );
});

test('the statement behind an answer is shown on demand, and finds the same rows', async () => {
  const query = 'q=status%3Dfailed%20service%3Drouter&limit=5';
  const { body } = await server.ask(`/api/v1/spans?${query}&explain=sql`);
  assert.match(body.sql, /from beacon\.trace_spans/);
  assert.doesNotMatch(body.sql, /router/, 'values are bound');
  const { rows } = await database.client.query(body.sql, body.values);
  const answer = await server.ask(`/api/v1/spans?${query}`);
  assert.equal(answer.body.rows.length, 2);
  assert.equal(rows.length, 2);
  const wrong = await server.ask('/api/v1/spans?explain=plan');
  assert.deepEqual([wrong.status, wrong.body.errors[0].parameter], [400, 'explain']);
  const posted = await server.post('/api/v1/spans', { q: 'service=router', explain: 'sql' });
  assert.equal(posted.body.sql.includes('beacon.trace_spans'), true);
});

test('numbers in a JSON body mean what they mean in a query string, and none loses its digits', async () => {
  const asked = await server.post('/api/v1/diagnose', { execution_id: 2193, limit: 3 });
  assert.equal(asked.status, 200);
  const long = await server.post('/api/v1/diagnose', '{"execution_id": 9007199254740993}');
  assert.deepEqual([long.status, long.body.errors[0].parameter], [400, 'execution_id']);
});

test('a limit is kept, and what it left out is said', async () => {
  const { body } = await server.ask('/api/v1/spans?limit=2');
  assert.equal(body.rows.length, 2);
  assert.match(body.truncated, /Showing the first 2 rows/);
  assert.equal((await server.ask('/api/v1/spans?limit=1001')).status, 400);
});

test('a filter that cannot be read is refused with its place', async () => {
  const { status, body } = await server.ask(`/api/v1/search?q=${encodeURIComponent('service= status=failed')}`);
  assert.equal(status, 400);
  assert.match(body.detail, /^q: .*at character 9/);
});

test('what is not there is a problem with a hint', async () => {
  const { status, body } = await server.ask('/api/v1/waterfall?execution_id=99');
  assert.deepEqual([status, body.code], [404, 'not_found']);
  const nowhere = await server.ask('/api/v1/nothing');
  assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'not_found']);
});

test('the OpenAPI document is valid and has every query, with its parameters, columns and problems', async () => {
  const { body, headers } = await server.ask('/openapi.json');
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(body));
  assert.equal(valid, true, JSON.stringify(errors, null, 1)?.slice(0, 2_000));
  assert.equal(validator.version, '3.1');
  validator.resolveRefs();
  for (const { name, mutates, row, params } of QUERIES) {
    const { get, post } = body.paths[`/api/v1/${name}`];
    assert.equal(get === undefined, mutates, name);
    assert.ok(post.responses['200'] && post.responses['400'] && post.responses['401'] && post.responses['504']);
    const pascal = post.operationId.slice('post'.length);
    assert.deepEqual(Object.keys(body.components.schemas[`${pascal}Row`].properties), Object.keys(row.shape));
    const names = get?.parameters.map((parameter: { name: string }) => parameter.name);
    if (get) assert.deepEqual(names, [...Object.keys(params.shape), 'explain', 'fresh']);
  }
  const ids = Object.values(body.paths).flatMap((path) =>
    Object.values(path as object).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length, 'operation ids are unique');
  const etag = headers.get('etag') as string;
  assert.equal((await server.ask('/openapi.json', { headers: { 'if-none-match': etag } })).status, 304);
});

test('every example of the document is a request that works', async () => {
  const { body } = await server.ask('/openapi.json');
  for (const { name } of QUERIES.filter(({ mutates, name }) => !mutates && name !== ASKS_ANOTHER)) {
    const path = `/api/v1/${name}`;
    const { example } = body.paths[path].post.requestBody.content['application/json'];
    const { status, body: answer } = await server.post(path, example);
    assert.ok(status === 200 || status === 404, `${path} ${JSON.stringify(example)}: ${JSON.stringify(answer)}`);
  }
});

test('the page of the document names every query and fetches nothing', async () => {
  const { body, headers, status } = await server.ask('/docs');
  assert.equal(status, 200);
  for (const { name } of QUERIES) assert.match(body, new RegExp(`<section id="${name}">`));
  assert.doesNotMatch(body, /<script|<link|<img|https?:\/\//);
  const policy = headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; style-src 'sha256-/);
  assert.doesNotMatch(policy, /unsafe/);
});
