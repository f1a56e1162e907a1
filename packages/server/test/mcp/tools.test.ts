import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { doctorRows } from '../../src/doctor/rows.ts';
import { tokensOf } from '../../src/mcp/tokens.ts';
import { NOT_TOOLS, TOOLS } from '../../src/mcp/tools.ts';
import { provideDoctor } from '../../src/queries/actions.ts';
import { QUERIES } from '../../src/registry.ts';
import { type Connected, overStdio, served, textOf } from './clients.ts';

const { client, url } = await testDatabase();
const WORKED = `
  runner execution.run       |==========| kind=consumer model=small region=eu
    router POST /inference   | ======== | kind=server
`;
await draw(client, WORKED, { execution: 1, job: 'job-1', at: new Date(Date.now() - 1_800_000) });
const failed = await draw(
  client,
  `
  runner execution.run       |==========x| kind=consumer model=small region=eu error=timeout
    router POST /inference   | ========! | kind=client error=ETIMEDOUT peer.service=gpu
  `,
  { execution: 2, job: 'job-1', at: new Date(Date.now() - 600_000) },
);

await client.query(
  `select beacon.record_answer('{"execution_id": 2, "job_id": "job-1", "model_id": "m", "question": "Why?", "answer": "Because."}')`,
);

provideDoctor(({ databaseUrl }) => doctorRows(databaseUrl, []));
const http = await served(url);
const apis: Record<string, Connected> = { stdio: await overStdio(url), http: await http.connect() };
after(async () => {
  for (const api of Object.values(apis)) await api.close();
  await http.close();
});

const PARAMS: Record<string, Record<string, unknown>> = {
  compare_traces: { execution_a: 1, execution_b: '2' },
  get_trace: { trace_id: failed.traceId },
  critical_path: { trace_id: failed.traceId },
  get_span: { trace_id: failed.traceId, span_id: failed.ids.get('router POST /inference') },
  job_matrix: { job_id: 'job-1' },
  compare_answers: { job_id: 'job-1' },
  what_is_different: { status: 'error' },
  list_attribute_values: { key: 'service' },
  query_sql: { statement: 'select service, count(*) from beacon.trace_spans group by service' },
  list_attributes: {},
};
const byExecution = (name: string) =>
  'execution_id' in (TOOLS.find((tool) => tool.name === name)?.query.params.shape ?? {});
const paramsOf = (name: string) => PARAMS[name] ?? (byExecution(name) ? { execution_id: '2' } : {});

for (const [name, api] of Object.entries(apis)) {
  test(`over ${name} every tool answers once, within its budget, names its database, and fits its own schema`, async () => {
    const { tools } = await api.client.listTools();
    assert.deepEqual(
      tools.map((tool) => tool.name),
      TOOLS.map((tool) => tool.name),
    );
    for (const tool of tools) {
      const answer = await api.call(tool.name, paramsOf(tool.name));
      const text = textOf(answer);
      assert.ok(!answer.isError, `${tool.name}: ${text}`);
      const structured = answer.structuredContent as Record<string, unknown>;
      const cost = tokensOf(text) + tokensOf(JSON.stringify(structured));
      assert.ok(cost <= 2_000, `${tool.name} costs ${cost}`);
      assert.match(
        text,
        /on database postgresql:\/\/\w+:\*\*\*@\S+\/test_\w+, schema \d{4}_\w+\+[0-9a-f]{8}/,
        tool.name,
      );
      assert.match(String(structured.database), /^postgresql:\/\/\w+:\*\*\*@/);
      assert.equal(tool.annotations?.readOnlyHint, true, tool.name);
      assert.equal(text.match(/<beacon-data>/g)?.length, 1, tool.name);
      if (structured.truncated !== null) assert.ok(text.includes(`\nLeft out: ${structured.truncated}`), tool.name);
    }
  });
}

test('the tools the plan names are there, and every other query is left out for a reason', () => {
  const names = TOOLS.map((tool) => tool.name);
  const planned = `diagnose_execution identify_root_cause find_timeout_root_cause compare_with_successful find_similar
    search_traces get_trace job_matrix coverage doctor query_sql list_services dependencies what_is_different`;
  for (const name of planned.split(/\s+/)) assert.ok(names.includes(name), name);
  const used = new Set(TOOLS.flatMap(({ query, first }) => [query.name, first?.query.name]));
  const undecided = QUERIES.map(({ name }) => name).filter((name) => used.has(name) === name in NOT_TOOLS);
  assert.deepEqual(undecided, [], 'add it to ENTRIES in mcp/tools.ts, or to NOT_TOOLS with a reason (not to both)');
});

test('the documents count the tools there are', () => {
  for (const file of ['README.md', 'docs/mcp.md']) {
    const text = fs.readFileSync(path.join(import.meta.dirname, '../../../..', file), 'utf8');
    assert.ok(new RegExp(`\\b${TOOLS.length} tools`).test(text), `${file} must say "${TOOLS.length} tools"`);
  }
});

test('the list of tools is lean, and every tool it mentions exists', async () => {
  const { tools } = await (apis.stdio as Connected).client.listTools();
  const forModel = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const cost = tokensOf(JSON.stringify(forModel));
  assert.ok(
    cost < 4_750,
    `${cost} tokens of names, descriptions and parameters, at most 4,750: shorten descriptions, hide parameters, or move a query to NOT_TOOLS`,
  );
  const names = new Set(tools.map(({ name }) => name));
  const told = [
    JSON.stringify(tools),
    (apis.stdio as Connected).client.getInstructions() ?? '',
    ...TOOLS.map(({ rest }) => rest ?? ''),
  ];
  const verbs = /\b(?:diagnose|identify|find|compare|search|get|list|query|what)_[a-z_]+\b/g;
  const columns = new Set(TOOLS.flatMap(({ query }) => Object.keys({ ...query.row.shape, ...query.params.shape })));
  for (const text of told) {
    for (const [mentioned] of text.matchAll(verbs)) {
      assert.ok(names.has(mentioned) || columns.has(mentioned), `${mentioned} is no tool`);
    }
  }
});

test('the verdict over MCP is the one in SQL', async () => {
  const { rows } = await client.query(
    'select type, confidence, summary from beacon.identify_root_cause(2) order by rank',
  );
  const answer = await (apis.http as Connected).call('diagnose_execution', { execution_id: 2 });
  const causes = (answer.structuredContent as { causes: Array<Record<string, unknown>> }).causes;
  assert.deepEqual(
    causes.map(({ type, confidence, summary }) => ({ type, confidence, summary })),
    rows,
  );
  assert.match(textOf(answer), new RegExp(`^1\\. ${rows[0].type} `, 'm'));
});

test('an execution without a trace is diagnosed as untraced instead of refused', async () => {
  const answer = await (apis.http as Connected).call('diagnose_execution', { execution_id: 4711 });
  assert.ok(!answer.isError);
  assert.match(textOf(answer), /^1\. UNTRACED, cause, confidence 1$/m);
});

test('wrong parameters, a missing trace, an unknown tool: each says what and what to do', async () => {
  const api = apis.http as Connected;
  const refused = async (name: string, params: Record<string, unknown>, pattern: RegExp) => {
    const answer = await api.call(name, params);
    assert.equal(answer.isError, true, name);
    assert.match(textOf(answer), pattern);
  };
  await refused(
    'get_trace',
    {},
    /^Error \(usage\): .*exactly one of execution_id and trace_id.*\nWhat to do: get_trace takes/,
  );
  await refused('get_trace', { trace_id: 'x' }, /32 hex digits/);
  await refused('diagnose_execution', { execution_id: 2 ** 60 }, /execution_id/);
  await refused('search_traces', { nonsense: 1 }, /nonsense.*\nWhat to do: search_traces takes q,/);
  await refused('search_traces', { max_tokens: 10 }, /max_tokens/);
  await refused('search_traces', { q: 'duration>>1' }, /q: /);
  await refused('doctor', { url: 'http://169.254.169.254/' }, /url/);
  await refused('get_trace', { execution_id: 4711 }, /^Error \(not_found\).*\nWhat to do: search_traces lists/);
  await refused('query_sql', { statement: 'delete from beacon.trace_spans' }, /^Error \(/);
  await assert.rejects(api.call('no_such_tool'), /There is no tool no_such_tool\. There are diagnose_execution,/);
});

test('resources and prompts can be listed and read; what is not there is refused', async () => {
  const { client: mcp } = apis.stdio as Connected;
  const { resources } = await mcp.listResources();
  for (const { uri } of resources) {
    const { contents } = await mcp.readResource({ uri });
    assert.match(String((contents[0] as { text: string }).text), /^Database postgresql:/);
  }
  const one = await mcp.readResource({ uri: 'beacon://schema/trace_spans' });
  assert.match((one.contents[0] as { text: string }).text, /# table beacon\.trace_spans[\s\S]*- started_at timestamp/);
  const type = await mcp.readResource({ uri: 'beacon://diagnoses/NETWORK_TIMEOUT' });
  assert.match((type.contents[0] as { text: string }).text, /\*\*NETWORK_TIMEOUT\*\*/);
  await assert.rejects(mcp.readResource({ uri: 'beacon://schema/nothing' }), /There is no resource/);
  await assert.rejects(mcp.readResource({ uri: 'file:///etc/passwd' }), /There is no resource/);

  const { prompts } = await mcp.listPrompts();
  assert.deepEqual(
    prompts.map(({ name }) => name),
    ['why_did_execution_fail', 'why_is_there_no_trace', 'what_changed'],
  );
  const asked = await mcp.getPrompt({ name: 'why_did_execution_fail', arguments: { execution_id: '2' } });
  assert.match(JSON.stringify(asked.messages), /"Why did execution 2 fail\?/);
  await assert.rejects(mcp.getPrompt({ name: 'why_did_execution_fail' }), /needs the argument execution_id/);
  await assert.rejects(mcp.getPrompt({ name: 'nothing' }), /There is no prompt nothing/);
});

test('arguments are completed from what there is', async () => {
  const { client: mcp } = apis.http as Connected;
  const complete = async (name: string, value: string) => {
    const ref = { type: 'ref/prompt' as const, name: 'why_did_execution_fail' };
    return (await mcp.complete({ ref, argument: { name, value } })).completion.values;
  };
  assert.deepEqual(await complete('execution_id', ''), ['2']);
  assert.deepEqual(await complete('good', ''), ['1']);
  assert.deepEqual(await complete('service', 'ro'), ['router']);
  assert.deepEqual(await complete('type', 'network'), ['NETWORK_TIMEOUT']);
  assert.deepEqual(await complete('constructor', ''), []);
});
