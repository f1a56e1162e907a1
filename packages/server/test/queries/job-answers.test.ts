import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { run } from '../cli/run.ts';

const { client, url } = await testDatabase();
const many = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows;
const record = (told: Record<string, unknown>) =>
  client.query('select beacon.record_answer($1)', [JSON.stringify(told)]);

test('names of regions and of models are compared as clouds and providers write them', async () => {
  const same = async (what: string, pairs: [string | null, string | null, boolean | null][]) => {
    for (const [asked, served, expected] of pairs) {
      const [row] = await many(`select beacon.same_${what}($1, $2) as same`, [asked, served]);
      assert.equal(row?.same, expected, `${asked} and ${served}`);
    }
  };
  await same('region', [
    ['us-east', 'us-east', true],
    ['us-east', 'us-east-1', true],
    ['us-east-1', 'East US', true],
    ['eu-west', 'westeurope', true],
    ['asia-southeast', 'ap-southeast-1', true],
    ['eu', 'europe-west4', true],
    ['eu-central-1', 'Frankfurt', true],
    ['us-east-1', 'us-east-2', false],
    ['eu-west', 'us-east', false],
    ['westeurope', 'East US 2', false],
    ['frankfurt', 'virginia', false],
    ['moon', 'mars', false],
    ['eu-west', 'fra-03', null],
    ['eu-west', 'global', null],
    ['eu-west', null, null],
  ]);
  await same('model', [
    ['gpt-4o', 'gpt-4o', true],
    ['gpt-4o', 'gpt-4o-2024-08-06', true],
    ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet-20241022', true],
    ['openai/gpt-4o', 'gpt-4o-2024-08-06', true],
    ['gemini-2.0-flash', 'models/gemini-2.0-flash-001', true],
    ['meta-llama/Llama-3.2-1B', 'llama-3.2-1b-instruct', true],
    ['llama3.2', 'llama3.2:latest', true],
    ['claude-3-5-sonnet', 'us.anthropic.claude-3-5-sonnet-20241022-v2:0', true],
    ['gpt-4o', 'gpt-4o-mini', false],
    ['gpt-4o', 'gpt-4o-mini-2024-07-18', false],
    ['gpt-4', 'gpt-4o', false],
    ['gpt-4', 'gpt-3.5-turbo', false],
    ['llama-3.2-1b', 'llama-3.2-3b', false],
    ['claude-sonnet-4-5', 'claude-haiku-4-5', false],
    ['gpt-4o', null, null],
  ]);
});

test('the answers of a job stand beside each other, the least agreement first, what is no answer apart', async () => {
  const regions = ['us', 'eu', 'asia', 'sa'];
  const ask = async (n: number, question: string, said: Record<string, unknown>[]) => {
    for (const [i, told] of said.entries())
      await record({
        execution_id: n * 10 + i,
        job_id: 'beside',
        model_id: 'm',
        region: regions[i],
        question,
        ...told,
      });
  };
  await ask(61, 'Capital?', [
    { answer: 'Canberra' },
    { answer: 'Canberra.' },
    { answer: 'Sydney' },
    { answer: '**canberra**' },
  ]);
  await ask(62, 'Sum?', [
    { answer: '4' },
    { answer: '4' },
    { status: 'failed', error_type: 'timeout' },
    { answer: '4' },
  ]);
  await ask(63, 'Recipe?', [
    { answer: 'Mix.' },
    { answer: 'Lo siento, no puedo ayudar con eso.' },
    { answer: 'Mix.' },
    { answer: 'Mix.' },
  ]);
  await record({
    execution_id: 690,
    job_id: 'beside',
    model_id: 'm',
    region: 'us',
    question: 'Where?',
    answer: 'Here',
    served_region: 'eu-west',
    response_model: 'n',
  });
  const rows = await many(`select * from beacon.job_answers('beside')`);
  assert.deepEqual(
    rows.map((r) => [
      r.question,
      r.differs,
      r.agreement,
      r.kinds,
      r.answered,
      r.refused,
      r.failed,
      r.groups.map((g: { n: number }) => g.n),
    ]),
    [
      ['Capital?', true, 0.75, '2', '4', '0', '0', [3, 1]],
      ['Recipe?', true, 1, '1', '3', '1', '0', [3]],
      ['Sum?', false, 1, '1', '3', '0', '1', [3]],
      ['Where?', false, null, '1', '1', '0', '0', [1]],
    ],
  );
  assert.deepEqual(
    rows[0]?.groups[1].cells.map((c: { region: string }) => c.region),
    ['asia'],
  );
  assert.deepEqual(
    rows[1]?.others.map((o: Record<string, string>) => [o.region, o.validity, o.reason, o.language]),
    [['eu', 'refused', 'refusal-es', 'es']],
  );
  assert.equal((await many(`select * from beacon.job_answers('beside', 'question', 'failed')`)).length, 1);
  const validity = await many(`select * from beacon.job_validity('beside')`);
  assert.deepEqual(
    validity.map((r) => [
      r.region,
      r.cells,
      r.answered,
      r.compared,
      r.agreed,
      r.infrastructure,
      r.refused,
      r.served_elsewhere,
      r.drifted,
      r.served_unknown,
    ]),
    [
      ['asia', '3', '2', '2', '1', '1', '0', '0', '0', '2'],
      ['eu', '3', '2', '2', '2', '0', '1', '0', '0', '3'],
      ['sa', '3', '3', '3', '3', '0', '0', '0', '0', '3'],
      ['us', '4', '4', '3', '3', '0', '0', '1', '1', '3'],
    ],
  );
  const [attempt] = await many(`select * from beacon.execution_answers('690')`);
  assert.deepEqual([attempt?.answer, attempt?.same_region, attempt?.same_model], ['Here', false, false]);
});

test('the command line shows them, and with content switched off their shape only', async () => {
  const ask = (...args: string[]) => run(args, { DATABASE_URL: url });
  const quiet = (...args: string[]) => run(args, { DATABASE_URL: url, BEACON_CONTENT: 'off' });
  const shown = await ask('answers', 'beside');
  assert.match(shown.out, /≠ Capital\? {2}m\n {4}\S*canberra\S* +3 of 4: eu, sa, us\n {4}Sydney +1 of 4: asia/i);
  assert.match(shown.out, /refused \(refusal-es\) Lo siento/);
  assert.match((await ask('job-validity', 'beside')).out, /1 in another region, 1 by another model \(n\)/);
  assert.match((await ask('execution-answers', '690')).out, /by {8}m, but n answered · us, but served from eu-west/);
  const hidden = await quiet('answers', 'beside');
  assert.match(hidden.out, /3 of 4: eu, sa, us/);
  assert.match(hidden.out + hidden.err, /BEACON_CONTENT is off/);
  const one = await quiet('execution-answers', '690', '--json');
  const matrix = await quiet('job-matrix', 'beside', '--json');
  assert.doesNotMatch(hidden.out + one.out + matrix.out, /anberra|Sydney|Here|Lo siento|Capital/);
});
