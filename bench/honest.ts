// Are differences called that are none, and real ones found? Jobs with and without a planted effect, through the same query people ask.
// Run: npm run bench:honest [-- --jobs 200] [-- --seed 1]
import { parseArgs } from 'node:util';
import { jobCosts } from '@project-beacon/server/queries/costs.ts';
import { jobDifferences } from '@project-beacon/server/queries/differences.ts';
import { runQuery } from '@project-beacon/server/queries/run.ts';
import { createPool } from '@project-beacon/server/store/connect.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const JOBS = Number(values.jobs);
const QUESTIONS = 120;
const REGIONS = ['ap-south', 'eu-west', 'us-east', 'us-west'];
const POINTS = 0.15;
/** Of the cells, those that were not answered: they must not count as wrong. */
const UNANSWERED = 0.05;
/** Of the answers, those that a model gives otherwise the next time, at temperature 0. */
const UNSTEADY = 0.02;
const CELLS = 100_000;
const CELLS_LIMIT_MS = 1000;

interface Shape {
  questions?: number;
  /** Models that answer each question; how hard it is is the same for all of them. */
  models?: number;
  /** Latencies are multiples of so many milliseconds. */
  roundTo?: number;
  /** Share of answers that are right; decides every question alike where it is 0 or 1. */
  right?: number;
}

/** Where tests that trust a normal distribution, or independent cells, call too much. */
const ODD: Record<string, Shape> = {
  'five questions': { questions: 5 },
  'twelve questions': { questions: 12 },
  'latencies of few values, many ties': { roundTo: 500 },
  'latencies all equal': { roundTo: 1e9 },
  'every answer right': { right: 1, questions: 40 },
  'eight models on fifteen questions': { models: 8, questions: 15 },
};

/** Ids given so far. */
let executions = 0;
let state = Number(values.seed) >>> 0;
/** Mulberry32: the same jobs for the same seed. */
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const server = await throwawayServer({ shared_buffers: '256MB' });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
await migrateUp(client, [readSet('beacon', SQL_DIR)]);
const pool = createPool(server.url, { applicationName: 'bench', max: 1 });
let failed = false;
try {
  const report = (what: string, share: number, limit: string, good: boolean) => {
    failed ||= !good;
    console.log(`${`${(100 * share).toFixed(1)} %`.padStart(8)}  ${limit.padEnd(13)} ${good ? 'ok ' : 'NOT'}  ${what}`);
  };
  console.log(`${JOBS} jobs each, ${QUESTIONS} questions, ${REGIONS.length} regions, seed ${values.seed}\n`);
  const none = await called('none', 0, ['correct', 'latency']);
  report('called different in what is correct, without any effect', none.correct, 'at most 5 %', none.correct <= 0.05);
  report('called different in latency, without any effect', none.latency, 'at most 5 %', none.latency <= 0.05);
  const planted = await called('planted', POINTS, ['correct']);
  report(
    `found, with ${100 * POINTS} points planted in one region`,
    planted.correct,
    'at least 95 %',
    planted.correct >= 0.95,
  );
  report('a pair of equal regions called different beside it', planted.wrong, 'at most 5 %', planted.wrong <= 0.05);
  for (const [what, shape] of Object.entries(ODD)) {
    const odd = await called(what, 0, ['correct', 'latency'], shape);
    const worst = Math.max(odd.correct, odd.latency);
    report(`called different where there is no effect: ${what}`, worst, 'at most 5 %', worst <= 0.05);
  }
  await timed();
} finally {
  await pool.end();
  await client.end();
  await server.discard();
}
process.exit(failed ? 1 : 0);

/** Share of the jobs in which a difference is called, by measure; `wrong`: between two regions that are equal. */
async function called(name: string, points: number, measures: ('correct' | 'latency')[], shape: Shape = {}) {
  const found = { correct: 0, latency: 0, wrong: 0 };
  for (let n = 0; n < JOBS; n++) {
    const job = `${name}-${n}`;
    await plant(job, points, shape);
    for (const measure of measures) {
      const { rows } = await runQuery(pool, jobDifferences, { job_id: job, measure });
      const different = rows.filter((row) => row.different);
      const planted = different.filter(({ a, b }) => points === 0 || [a, b].includes(REGIONS[1] as string));
      if (planted.length > 0) found[measure] += 1 / JOBS;
      if (different.length > planted.length) found.wrong += 1 / JOBS;
    }
  }
  return found;
}

/** One job: how hard a question is decides most of it, the same everywhere; latency has a long tail. */
async function plant(job: string, points: number, shape: Shape): Promise<void> {
  const { questions = QUESTIONS, models = 1, roundTo = 0, right: share = 0.75 } = shape;
  const cells = [];
  // Exactly so many of the questions that the other regions answer are wrong in the planted one.
  const right = Array.from({ length: questions }, () => random() < share);
  const spoilt = new Set(
    right
      .map((is, q) => ({ q, at: is ? random() : 2 }))
      .sort((x, y) => x.at - y.at)
      .slice(0, Math.round(points * questions))
      .map(({ q }) => q),
  );
  for (let q = 0; q < questions; q++) {
    // What a question does to all models that answer it in one region is not evidence of so many cells.
    const slow = REGIONS.map(() => Math.exp(0.3 * normal()));
    for (const [r, region, model] of REGIONS.flatMap((name, at) =>
      Array.from({ length: models }, (_, m) => [at, name, `model-${m}`] as const),
    )) {
      let correct = (right[q] as boolean) && !(r === 1 && spoilt.has(q));
      if (share < 1 && random() < UNSTEADY) correct = !correct;
      const ms = (300 + 5 * q) * (models > 1 ? (slow[r] as number) : 1) * Math.exp(0.4 * normal());
      cells.push({
        ...{ e: ++executions, m: model, r: region, q: `q${q}`, c: Number(correct), ok: random() >= UNANSWERED },
        ms: roundTo > 0 ? Math.ceil(ms / roundTo) * roundTo : ms,
      });
    }
  }
  await client.query(
    `with cell as (select * from jsonb_to_recordset($2) c (e bigint, m text, r text, q text, c float8, ok boolean, ms float8)),
     answered as (
       insert into beacon.answers (execution_id, job_id, model_id, region, question_id, status, error_type, answer_chars, answer_group,
         latency_ms, started_at, finished_at, source)
       select e, $1, m, r, q, case when ok then 'completed' else 'failed' end, case when not ok then 'rate_limit_exceeded' end,
         case when ok then 5 end, case when ok then c::bigint end, ms, now(), now(), 'runner' from cell)
     insert into beacon.scores (execution_id, job_id, name, value, source) select e, $1, 'correct', c, 'rule:exact' from cell where ok`,
    [job, JSON.stringify(cells)],
  );
}

function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

async function timed(): Promise<void> {
  const perRegion = CELLS / REGIONS.length;
  await client.query(
    `insert into beacon.answers (execution_id, job_id, model_id, region, question_id, status, answer_chars, answer_group, latency_ms,
       started_at, finished_at, source)
     select -row_number() over (), 'large', 'model', r, 'question ' || q, 'completed', 5, 1, 100 * (1 + random()) + q % 50, now(), now(), 'runner'
     from unnest($1::text[]) r, generate_series(1, $2::integer) q`,
    [REGIONS, perRegion],
  );
  await client.query(
    `insert into beacon.scores (execution_id, job_id, name, value, source)
     select execution_id, job_id, 'correct', (random() < 0.7)::integer, 'rule:exact' from beacon.answers where job_id = 'large'`,
  );
  await client.query(
    `update beacon.answers set input_tokens = 500, output_tokens = 200 where job_id = 'large';
     select beacon.import_prices('[{"model": "model", "valid_from": "2020-01-01", "input": 1, "output": 3}]', 'bench')`,
  );
  await client.query('vacuum analyze');
  console.log(`\nmilliseconds, warm, best of 5, ${CELLS.toLocaleString('en')} cells of which each has a value`);
  // Reading the cells is the same for whatever is asked of them.
  const alone = await best(() => client.query(`select count(*) from beacon.execution_cells('large', false)`));
  console.log(`${alone.toFixed(0).padStart(8)}  reading the cells`);
  const within = async (what: string, work: () => Promise<unknown>) => {
    const ms = await best(work);
    const good = ms < CELLS_LIMIT_MS;
    failed ||= !good;
    console.log(`${ms.toFixed(0).padStart(8)}  under ${CELLS_LIMIT_MS}    ${good ? 'ok ' : 'NOT'}  ${what}`);
  };
  for (const measure of ['correct', 'latency']) {
    await within(`all pairs in ${measure}, with the cells`, () =>
      runQuery(pool, jobDifferences, { job_id: 'large', measure }),
    );
  }
  await within('costs', () => runQuery(pool, jobCosts, { job_id: 'large' }));
  // The cells of both jobs are read: twice as many.
  const compared = await best(() => client.query(`select * from beacon.job_comparison('large', 'large')`));
  console.log(
    `${compared.toFixed(0).padStart(8)}  comparison of it with itself, 2 x ${CELLS.toLocaleString('en')} cells`,
  );
}

async function best(work: () => Promise<unknown>): Promise<number> {
  const times = [];
  for (let n = 0; n < 5; n++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return Math.min(...times);
}
