// What a manifest of a job holds: code version, rules, prices, questions, and every execution with its receipt.
import type pg from 'pg';
import { receiptsOf } from './receipts.ts';
import { sha256 } from './tree.ts';

/**
 * The lines of a manifest, in one snapshot of the database.
 *
 * @throws Error when the job has no cells.
 */
export async function manifestLines(client: pg.ClientBase, job: string, version: string): Promise<string[]> {
  await client.query('begin isolation level repeatable read read only');
  try {
    const { rows: cells } = await client.query(
      `select coalesce(c.execution_key, c.execution_id::text) as execution, c.attempt, c.attempts, c.trace_id, c.model_id, c.region,
         c.served_region, c.provider, c.response_model, c.system_fingerprint, c.quantisation, c.simulated, c.question_id, c.question, c.answer,
         c.validity, c.first_validity, c.reason, c.finish_reason, c.verdict, c.input_tokens, c.output_tokens, c.cached_tokens,
         c.reasoning_tokens, c.latency_ms, c.first_chunk_ms, c.cost, c.started_at, c.finished_at
       from beacon.execution_cells($1, true) c order by c.question_id, c.model_id, c.region, c.execution_id, c.execution_key`,
      [job],
    );
    const receipts = await receiptsOf(client, job);
    const { rows: scores } = await client.query(
      `select coalesce(execution_key, execution_id::text) as execution, name, value, label, source from beacon.scores where job_id = $1
       order by 1, 2, 5`,
      [job],
    );
    const { rows: rules } = await client.query('select * from beacon.answer_rules order by name');
    const { rows: expected } = await client.query(
      'select question_id, name, scorer, expected, field from beacon.expected_answers where job_id = $1 order by 1, 2',
      [job],
    );
    const { rows: prices } = await client.query(
      `select p.* from beacon.prices p where lower(p.model) in (select lower(m) from unnest($1::text[]) m)
       order by p.model, p.provider, p.region, p.valid_from`,
      [cells.flatMap(({ model_id, response_model }) => [model_id, response_model]).filter(Boolean)],
    );
    const { rows: database } = await client.query(
      `select current_setting('server_version') as postgresql, (select max(name) from beacon.schema_migrations) as schema`,
    );
    const questions = new Map(cells.map(({ question_id, question }) => [question_id, question]));
    const scored = Map.groupBy(scores, ({ execution }) => execution);
    const line = (kind: string, content: object) => JSON.stringify({ kind, ...content });
    return [
      line('job', { job_id: job, executions: cells.length, beacon: version, ...database[0] }),
      line('rules', { answer_rules: rules }),
      ...prices.map((price) => line('price', price)),
      ...[...questions].map(([question_id, question]) =>
        line('question', {
          ...{ question_id, sha256: hash(question) },
          expected: expected
            .filter((one) => one.question_id === question_id)
            .map(({ question_id: _, ...rest }) => rest),
        }),
      ),
      ...cells.map(({ question, answer, ...cell }) =>
        line('execution', {
          ...cell,
          question_sha256: hash(question),
          answer_sha256: hash(answer),
          scores: (scored.get(cell.execution) ?? []).map(({ execution: _, ...rest }) => rest),
          receipt: receipts.get(cell.execution) ?? null,
        }),
      ),
    ];
  } finally {
    await client.query('rollback');
  }
}

const hash = (text: string | null) => (text === null ? null : sha256(text).toString('hex'));
