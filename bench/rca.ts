// Root causes of recorded faults, found between two windows of traces. Run:
//   npm run bench:rca -- [FOLDER...] [--predictions FILE] [--misses]
// A folder holds cases.ndjson and the spans of each case; where labels.ndjson stands beside them the predictions are
// scored here, all folders in one table. The engine sees spans and windows, never labels. Without a folder: those of
// ../shared beside the project.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { type Case, type Label, readCases, readLabels, readSpans } from './rca/cases.ts';
import { load } from './rca/load.ts';
import { found, table } from './rca/score.ts';
import { crossValidated, GRID } from './rca/validate.ts';

const LIMIT_MS = 2000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { predictions: { type: 'string' }, misses: { type: 'boolean', default: false } },
});
const BESIDE = path.join(import.meta.dirname, '..', '..', 'shared');
const folders = positionals.length > 0 ? positionals : ['rca', 'rca-siq'].map((name) => path.join(BESIDE, name));
const absent = folders.filter((folder) => !fs.existsSync(path.join(folder, 'cases.ndjson')));
if (absent.length > 0) {
  console.error(`No cases.ndjson in ${absent.join(', ')}. Name folders: npm run bench:rca -- FOLDER...`);
  process.exit(2);
}

interface Ranking {
  services: string[];
  reasons: string[];
  pods: string[];
  /** Services with the thresholds at each place of GRID. */
  byGrid: string[][];
  spans: number;
  ms: number;
}

const cases = folders.flatMap((folder) => readCases(folder).map((one) => ({ ...one, folder })));
const labels: Label[] = folders.flatMap((folder) => readLabels(folder) ?? []);
const server = await throwawayServer({ shared_buffers: '256MB' });
const rankings = new Map<string, Ranking>();
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  await client.query('set search_path = "$user", public, beacon');
  client.on('error', () => {});
  for (const one of cases) rankings.set(one.caseId, await rank(client, one));
  await client.end();
} finally {
  await server.discard();
}

if (values.predictions) {
  const lines = cases.map(({ caseId }) => {
    const { services, pods } = rankings.get(caseId) as Ranking;
    return JSON.stringify({ caseId, services, ...(pods.length > 0 && { pods }) });
  });
  fs.writeFileSync(values.predictions, `${lines.join('\n')}\n`);
  console.log(`${lines.length} predictions: ${values.predictions}`);
}
if (labels.length > 0) {
  const of = (caseId: string) => rankings.get(caseId)?.services ?? [];
  console.log(`\n${table(labels, of)}`);
  console.log(`\nThresholds chosen on four folds, scored on the fifth:`);
  console.log(crossValidated(labels, (caseId, grid) => rankings.get(caseId)?.byGrid[grid] ?? []));
  if (values.misses) {
    console.log('\nMisses:');
    for (const label of labels.filter((one) => found(one, of(one.caseId), 1) < 1)) {
      const ranking = rankings.get(label.caseId);
      const place = ranking?.services.indexOf(label.rootCauseServices[0] as string) ?? -1;
      console.log(
        `${label.caseId} ${label.faultType} ${label.rootCauseServices.join(', ')}: ${place < 0 ? 'not named' : `place ${place + 1}`}`,
      );
      for (const i of new Set([0, ...(place > 0 ? [place] : [])]))
        console.log(`    ${ranking?.services[i]}: ${ranking?.reasons[i]}`);
    }
  }
}
const largest = [...rankings.values()].sort((a, b) => b.spans - a.spans)[0];
const sorted = [...rankings.values()].map(({ ms }) => ms).sort((a, b) => a - b);
const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0;
const slowest = [...rankings.values()].sort((a, b) => b.ms - a.ms)[0];
console.log(
  `\nrank_root_causes: ${Math.round(largest?.ms ?? 0)} ms for ${largest?.spans} spans, p95 of all cases ${Math.round(p95)} ms, slowest ${Math.round(slowest?.ms ?? 0)} ms (${slowest?.spans} spans); limit ${LIMIT_MS} ms for 50,000`,
);

async function rank(client: pg.Client, one: Case & { folder: string }): Promise<Ranking> {
  const spans = readSpans(one.folder, one);
  await load(client, spans);
  const windows = [
    time(one.abnormalFromUnixNano),
    // The last span starts at the very end of its window, and a window ends before its end.
    time(String(BigInt(one.abnormalToUnixNano) + 1000n)),
    time(one.normalFromUnixNano),
    time(one.normalToUnixNano),
  ];
  const started = performance.now();
  const { rows } = await client.query('select * from rank_root_causes($1, $2, $3, $4) order by rank', windows);
  const ms = performance.now() - started;
  const grid = await client.query(
    `with s as materialized (select array_agg(s) as all_of from window_signals($1, $2, $3, $4) s)
     select g.place, array(select r.service from rank_signals(s.all_of, g.tolerance, g.drift) r where r.score > 0 order by r.score desc, r.service limit 10) as services
     from s, unnest($5::float8[], $6::float8[]) with ordinality g (tolerance, drift, place) order by g.place`,
    [...windows, GRID.map(([tolerance]) => tolerance), GRID.map(([, drift]) => drift)],
  );
  return {
    services: rows.map((row) => row.service),
    reasons: rows.map((row) => `${row.score} ${row.reason}`),
    pods: rows.flatMap((row) => row.evidence.instances?.[0]?.instance ?? []),
    byGrid: grid.rows.map((row) => row.services),
    spans: spans.length,
    ms,
  };
}

/** Nanoseconds since 1970, as text, to what PostgreSQL reads without losing a microsecond. */
function time(nanos: string): string {
  const micros = BigInt(nanos) / 1000n;
  return `${new Date(Number(micros / 1000n)).toISOString().slice(0, -1)}${String(micros % 1000n).padStart(3, '0')}Z`;
}
