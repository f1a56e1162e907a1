import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, runnerDatabase } from './database.ts';
import { ANSWER, TestRouter } from './router.ts';
import { spawnRunner, startRunner } from './service.ts';

const router = new TestRouter();
const HYBRID_ROUTER_URL = await router.listen();

/** A database of its own for each test: runners on one database share the work. */
async function settings() {
  const { url, client } = await runnerDatabase();
  return { client, env: { DATABASE_URL: url, HYBRID_ROUTER_URL, STALE_AFTER_MS: '600' } };
}

/** Holds the answers to every question until `release`. */
function holdAnswers() {
  const held: (() => void)[] = [];
  router.answer = () => new Promise((resolve) => held.push(() => resolve(ANSWER)));
  return {
    held,
    release() {
      router.answer = () => ANSWER;
      for (const answer of held) answer();
    },
  };
}

test('a runner killed in the middle of a job loses no execution and completes none twice', async () => {
  const { env, client } = await settings();
  const answers = holdAnswers();
  const first = await spawnRunner(env);
  const questions = Array.from({ length: 10 }, (_, i) => `killed ${i}`);
  const jobId = await first.api.submit({ questions });
  await eventually('four executions are running', async () => answers.held.length === 4);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await spawnRunner(env);
  answers.release();
  const executions = await second.api.ended(jobId);
  assert.equal(executions.length, 10);
  for (const { status } of executions) assert.equal(status, 'completed');
  // Those four began a second attempt, and no others.
  const attempts = executions.map(({ attempt }: { attempt: number }) => attempt).sort();
  assert.deepEqual(attempts, [1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
  const { rows } = await client.query(
    `select count(distinct receipt_data ->> 'signature')::int as n from runner.executions`,
  );
  assert.equal(rows[0].n, 10);
});

test('a runner that only slept cannot complete what was taken over from it', async () => {
  const { env, client } = await settings();
  const answers = holdAnswers();
  const sleeper = await spawnRunner(env);
  const jobId = await sleeper.api.submit({ questions: ['asleep'] });
  await eventually('it is running', async () => answers.held.length === 1);
  sleeper.child.kill('SIGSTOP');

  const other = await startRunner(env);
  await eventually('the other runner has asked too', async () => answers.held.length === 2);
  // The sleeper's answer arrives while it sleeps; it wakes up and wants to store it.
  answers.held[0]!();
  sleeper.child.kill('SIGCONT');
  await eventually('the sleeper has put it down', async () => {
    const { body } = await sleeper.api.get('/health');
    return body.in_flight === 0;
  });
  const { rows } = await client.query('select status, attempt from runner.executions');
  assert.deepEqual(rows, [{ status: 'processing', attempt: 2 }]);
  answers.release();
  const [execution] = await other.api.ended(jobId);
  assert.deepEqual([execution.status, execution.attempt], ['completed', 2]);
  await other.close();
});

test('an execution whose attempts are used up fails, and says why', async () => {
  const { env, client } = await settings();
  const answers = holdAnswers();
  const first = await spawnRunner({ ...env, MAX_ATTEMPTS: '1' });
  const jobId = await first.api.submit({ questions: ['only once'] });
  await eventually('it is running', async () => answers.held.length === 1);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await startRunner(env);
  const [execution] = await second.api.ended(jobId);
  assert.deepEqual([execution.status, execution.error_type], ['failed', 'runner_lost']);
  assert.equal((await client.query('select count(*)::int as n from runner.executions')).rows[0].n, 1);
  await second.close();
});

test('a runner asked to stop hands back what it cannot finish, without using up an attempt', async () => {
  const { env } = await settings();
  const answers = holdAnswers();
  const first = await spawnRunner({ ...env, STOP_GRACE_MS: '50' });
  const jobId = await first.api.submit({ questions: ['handed back'] });
  await eventually('it is running', async () => answers.held.length === 1);
  first.child.kill('SIGTERM');
  assert.deepEqual(await once(first.child, 'exit'), [0, null]);
  answers.release();
  const second = await startRunner(env);
  const [execution] = await second.api.ended(jobId);
  assert.deepEqual([execution.status, execution.attempt], ['completed', 1]);
  await second.close();
});

test('a runner asked to stop finishes what ends within its grace', async () => {
  const { env, client } = await settings();
  const answers = holdAnswers();
  const first = await spawnRunner(env);
  await first.api.submit({ questions: ['finished'] });
  await eventually('it is running', async () => answers.held.length === 1);
  first.child.kill('SIGTERM');
  answers.release();
  assert.deepEqual(await once(first.child, 'exit'), [0, null]);
  const { rows } = await client.query('select status, attempt from runner.executions');
  assert.deepEqual(rows, [{ status: 'completed', attempt: 1 }]);
});

test('an execution whose delivery was lost is delivered again', async () => {
  const { env, client } = await settings();
  router.answer = () => ANSWER;
  const runner = await startRunner(env);
  // Accepted, and in no queue: as if the worker had died between fetching and claiming it.
  const job = await client.query(
    `insert into runner.jobs (models, regions, questions, request_hash) values ('{m}', '{us-east}', '{q}', 'x') returning id`,
  );
  await client.query(
    `insert into runner.executions (job_id, model_id, region, question, max_attempts) values ($1, 'm', 'us-east', 'q', 2)`,
    [job.rows[0].id],
  );
  const [execution] = await runner.api.ended(job.rows[0].id);
  assert.equal(execution.status, 'completed');
  await runner.close();
});

test('with nothing to recover the log says so', async () => {
  const { env } = await settings();
  const runner = await startRunner(env);
  assert.ok(runner.lines.some(({ msg }) => msg === 'no stale processing jobs found'));
  await runner.close();
});

test('a result survives a database connection that breaks at the wrong moment', async () => {
  const { env, client } = await settings();
  const answers = holdAnswers();
  const runner = await startRunner(env);
  const jobId = await runner.api.submit({ questions: ['disconnected'] });
  await eventually('it is running', async () => answers.held.length === 1);
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'beacon-runner' and datname = current_database()`,
  );
  answers.release();
  const [execution] = await runner.api.ended(jobId);
  assert.deepEqual([execution.status, execution.attempt], ['completed', 1]);
  await runner.close();
});
