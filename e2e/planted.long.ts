// 10 % of planted 429s, error bodies under 200, time-outs and empty answers through real processes, and reruns asked for three times
// at once: none counts as an answer, none is completed twice. PLANTED_JOBS says how many jobs; 100 take minutes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobEnd, System, send, submitJob, systemDatabase } from './system.ts';

const JOBS = Number(process.env.PLANTED_JOBS ?? 100);
const FAULTS: Record<string, { fault: string; code: string; validity: string }> = {
  limited: { fault: 'rate_limit', code: 'rate_limit_exceeded', validity: 'infrastructure' },
  hidden: { fault: 'error_as_answer', code: 'rate_limit_exceeded', validity: 'infrastructure' },
  slow: { fault: 'hang', code: 'timeout', validity: 'infrastructure' },
  empty: { fault: 'empty_output', code: 'empty_output', validity: 'empty' },
};
const REGIONS = Object.keys(FAULTS);
const PLANTED = 'What is 3 + 9?';
const QUESTIONS = Array.from({ length: 10 }, (_, i) => `What is ${i} + 9?`);

const database = await systemDatabase();
const system = await System.start(database, {
  regions: REGIONS,
  // On a machine that is busy a healthy answer took more than 1.5 s.
  providerTimeoutMs: 5000,
  runner: { MAX_ATTEMPTS: '1' },
});

test(`in ${JOBS} jobs with 10 % of planted failures none counts as an answer, and no rerun completes a cell twice`, async () => {
  let planted = 0;
  for (let n = 0; n < JOBS; n++) {
    for (const region of REGIONS) {
      const { fault } = FAULTS[region] as { fault: string };
      await send(`${system.inference.url}/faults/${region}`, 'PUT', { fault, about: PLANTED });
    }
    const job = await submitJob(system.runner.url, REGIONS, QUESTIONS);
    await jobEnd(system.runner.url, job);
    const cells = await cellsOf(job);
    assert.equal(cells.length, REGIONS.length * QUESTIONS.length);
    for (const { region, question, validity, error_type, answer } of cells) {
      const expected = question === PLANTED ? FAULTS[region] : undefined;
      assert.deepEqual(
        { validity, error_type, answered: answer !== null },
        { validity: expected?.validity ?? 'answered', error_type: expected?.code ?? null, answered: !expected },
        `${region}: ${question}`,
      );
      if (expected) planted++;
    }
    for (const region of REGIONS) await send(`${system.inference.url}/faults/${region}`, 'DELETE');
    const rerun = () => send(`${system.runner.url}/api/v1/jobs/${job}/rerun`, 'POST', { only: 'failed' });
    const taken = (await Promise.all([rerun(), rerun(), rerun()])) as { executions: number[] }[];
    assert.equal(taken.flatMap(({ executions }) => executions).length, REGIONS.length);
    await jobEnd(system.runner.url, job);
    const after = await cellsOf(job);
    assert.ok(after.every(({ validity }) => validity === 'answered'));
    assert.equal(after.filter(({ first_validity }) => first_validity !== 'answered').length, REGIONS.length);
  }
  const { rows } = await database.client.query(
    `select count(*)::integer as cells, count(*) filter (where completed <> 1)::integer as not_once from (
       select execution_id, count(*) filter (where status = 'completed') as completed from beacon.answers group by 1) e`,
  );
  const cells = JOBS * REGIONS.length * QUESTIONS.length;
  assert.deepEqual(rows[0], { cells, not_once: 0 });
  console.error(`${cells} cells, ${planted} planted failures: 0 counted as an answer, 0 completed twice`);
});

interface Cell {
  region: string;
  question: string;
  validity: string;
  first_validity: string;
  error_type: string | null;
  answer: string | null;
}

async function cellsOf(job: number): Promise<Cell[]> {
  const { rows } = await database.client.query<Cell>(
    'select region, question, validity, first_validity, error_type, nullif(answer, $2) as answer from beacon.execution_cells($1)',
    [String(job), ''],
  );
  return rows;
}
