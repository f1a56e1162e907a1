// What Beacon says about each recording of a stack, replayed amid healthy traffic.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { startOtlp } from '@project-beacon/server/receivers/start.ts';
import pg from 'pg';
import type { Recording } from '../recording/otlp.ts';
import { type Failure, RECORDINGS, type Stack } from '../recording/stack.ts';
import { type Heard, hear } from './heard.ts';
import { moved, send } from './replay.ts';

export interface Said {
  stack: string;
  failure: Failure;
  /** The first row's, or `undefined` where nothing is said. */
  type: string | undefined;
  service: string | undefined;
  confidence: number | undefined;
  /** Summary and recommendation. */
  sentence: string;
  /** Rows that name a cause, as `TYPE at service`. */
  causes: string[];
  /** What of it is wrong. */
  wrong: Wrong[];
}

export type Wrong = 'type' | 'service' | 'fact' | 'accused';

/** Copies of each healthy run: usual durations are known from 20 calls on. */
const COPIES = 22;
const MINUTE_MS = 60_000;

function recordingOf(stack: string, id: string): Recording | undefined {
  const file = path.join(RECORDINGS, stack, `${id}.json`);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

/**
 * @param url Of an empty, migrated database.
 * @param heard Gets the words of the vocabulary that failures say whose error nobody imitated.
 */
export async function verdictsOf(stack: Stack, url: string, heard?: Heard): Promise<Said[]> {
  const free = { port: 0, strict: true };
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const warn = (message: string) => console.error(message);
  // The receiver does not keep a process alive by itself.
  const awake = setInterval(() => {}, MINUTE_MS);
  const otlp = await startOtlp(pool, { connectionString: url, httpPort: free, grpcPort: free, warn });
  try {
    return await replay(stack, pool, `http://127.0.0.1:${otlp.ports.httpPort}`, heard);
  } finally {
    await otlp.stop();
    await pool.end();
    clearInterval(awake);
  }
}

async function replay(stack: Stack, pool: pg.Pool, url: string, heard?: Heard): Promise<Said[]> {
  const recorded = stack.failures.flatMap((failure) => {
    const recording = recordingOf(stack.name, failure.id);
    return recording ? [{ failure, recording }] : [];
  });
  const now = Date.now();
  const twins = recorded.filter(({ failure }) => failure.twin);
  let id = 0;
  const background = Array.from({ length: COPIES }, (_, i) =>
    Math.round(now - (50 - (40 * i) / COPIES) * MINUTE_MS),
  ).flatMap((at) => twins.map(({ recording }) => moved(recording, at, ++id)));
  if (background.length > 0) await send(url, background);
  await settle(pool);
  const asked = recorded.map(({ failure, recording }, i) => ({
    failure,
    sent: moved(recording, now - 5 * MINUTE_MS + i * 1000, ++id),
  }));
  await send(
    url,
    asked.map(({ sent }) => sent),
  );
  const real = asked.filter(({ failure }) => !failure.twin && !failure.imitated);
  if (heard)
    await hear(
      pool,
      real.map(({ sent }) => sent.executionId),
      heard,
    );
  return Promise.all(
    asked.map(async ({ failure, sent }) => {
      const { rows } = await pool.query('select * from beacon.identify_root_cause($1)', [sent.executionId]);
      return judge(stack.name, failure, rows);
    }),
  );
}

/** What maintenance does in a minute of rest. */
async function settle(pool: pg.Pool): Promise<void> {
  await pool.query(`update beacon.traces set updated_at = now() - interval '1 minute'`);
  await pool.query('select beacon.maintain()');
  for (let left = 1; left > 0; ) {
    const { rows } = await pool.query('select beacon.settle_baselines() as settled');
    left = rows[0].settled;
  }
  await pool.query('analyze');
}

interface Row {
  type: string;
  service: string | null;
  confidence: number;
  summary: string;
  recommendation: string | null;
  role?: string;
}

function judge(stack: string, failure: Failure, rows: Row[]): Said {
  const [top] = rows;
  const sentence = top ? `${top.summary} ${top.recommendation ?? ''}` : '';
  const causes = rows
    .filter(({ role, confidence }) => (role === undefined ? confidence >= 0.5 : role === 'cause'))
    .map((row) => `${row.type} at ${row.service}`);
  const wrong: Wrong[] = [];
  const { expected } = failure;
  if (failure.twin) {
    if (causes.length > 0) wrong.push('accused');
  } else if (expected) {
    if (!top || !expected.types.includes(top.type)) wrong.push('type');
    if (!top || !new RegExp(expected.service, 'i').test(top.service ?? '')) wrong.push('service');
    if (!new RegExp(expected.fact, 'i').test(sentence)) wrong.push('fact');
  }
  return {
    stack,
    failure,
    type: top?.type,
    service: top?.service ?? undefined,
    confidence: top?.confidence,
    sentence,
    causes,
    wrong,
  };
}
