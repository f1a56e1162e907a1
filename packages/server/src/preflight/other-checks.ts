// Checks 3, 5, 6, 9 and 10: services, flag, staging, people, code.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ProcessReport, TracingHealth } from '../doctor/processes.ts';
import { describeSchema } from '../store/catalog.ts';
import { withConnection } from '../store/connect.ts';
import { migrationStatus } from '../store/migrate.ts';
import { readSets, SQL_DIR } from '../store/migrations.ts';
import { renderSchemaSql } from '../store/render-schema.ts';
import { type CheckResult, judged, type Situation } from './check.ts';
import { askPlatforms, platformWords } from './platforms.ts';

type Body = Omit<CheckResult, 'number' | 'name'>;

export async function logging({ services, env, logs }: Situation): Promise<Body> {
  const down = services.filter(({ answers }) => !answers);
  const withIds = logs
    ? services.filter(({ service }) => carriesTraceIds(path.join(logs, `${service}.log`))).length
    : undefined;
  return {
    ...judged([
      { state: services.length > 0 ? 'go' : 'unknown', reason: 'no service is known: name them with --url' },
      {
        state: down.length === 0 ? 'go' : 'no-go',
        reason: `not reachable: ${down.map(({ service, trouble }) => `${service} (${trouble})`).join(', ')}`,
      },
      {
        // With the flag off there are no ids, and one that had nothing to say of its work has no line to carry one.
        state: withIds === 0 && services.some(({ tracing }) => tracing?.enabled) ? 'warn' : 'go',
        reason: 'logs without trace ids: a log line cannot be found from its trace (with pino: mixin: logFields)',
      },
    ]),
    numbers: `${services.length - down.length} of ${services.length} services answer; trace ids in logs: ${withIds === undefined ? 'log files are not known' : `${withIds} of ${services.length}`}; error reporting: ${reportingWords(services, env)}`,
  };
}

/** What the services say of it; the shell that asks is another process. */
function reportingWords(services: ProcessReport[], env: NodeJS.ProcessEnv): string {
  const told = services.flatMap(({ service, status }) =>
    typeof status.error_reporting === 'string' ? [`${service} ${status.error_reporting}`] : [],
  );
  const shell = `Sentry ${env.SENTRY_DSN ? 'configured' : 'not configured'} in this shell`;
  return told.length > 0 ? told.join(', ') : `no service tells (${shell})`;
}

function carriesTraceIds(file: string): boolean {
  try {
    return /"trace_id":"[0-9a-f]{32}"/.test(fs.readFileSync(file, 'utf8').slice(-200_000));
  } catch {
    return false;
  }
}

export async function featureFlag({ pool, services, env, dir }: Situation): Promise<Body> {
  const told = services.map(({ service, tracing }) =>
    tracing ? `${service} "${tracing.flag}" (${tracing.flagSource})` : `${service} has none`,
  );
  const [platforms, { rows }] = await Promise.all([
    askPlatforms(env, dir),
    pool.query(`select count(*)::int as n from pg_stat_activity
      where application_name in ('beacon-writer', 'beacon-tracer') and datname = current_database()`),
  ]);
  const off = services.flatMap(({ tracing }) => (tracing && !tracing.enabled ? [tracing.instance] : []));
  const allOff = off.length === services.length && services.length > 0;
  const { rows: alive } = await pool.query(
    `select service from beacon.tracers where instance = any($1) and stopped_at is null and heartbeat_at > now() - interval '30 seconds'`,
    [off],
  );
  const otherwise = platforms.filter(
    ({ flag }) => flag !== null && services.some(({ tracing }) => differs(flag, tracing)),
  );
  return {
    ...judged([
      { state: services.length > 0 ? 'go' : 'unknown', reason: 'no service is known: name them with --url' },
      {
        state: services.every(({ tracing }) => tracing) ? 'go' : 'no-go',
        reason: 'a service does not tell its flag: no tracer was constructed there',
      },
      {
        state: alive.length === 0 ? 'go' : 'no-go',
        reason: `off is not off: ${alive.map(({ service }) => service).join(', ')} still writes`,
      },
      {
        state: allOff && rows[0].n > 0 ? 'warn' : 'go',
        reason: `every flag is off, and ${rows[0].n} tracer connections are open: another process writes`,
      },
      {
        state: otherwise.length === 0 ? 'go' : 'warn',
        reason: `${otherwise.map(({ name, flag }) => `${name} has "${flag}"`).join(', ')}, and a running process something else: it was not restarted since`,
      },
    ]),
    numbers: `${told.join(', ') || 'none'}; ${rows[0].n} connections of tracers; ${platformWords(platforms)}`,
  };
}

function differs(flag: string | null, tracing: TracingHealth | null): boolean {
  return tracing !== null && /^\s*(?:true|1|on|yes)\s*$/i.test(flag ?? '') !== tracing.enabled;
}

export async function staging({ env, accepted, services }: Situation): Promise<Body> {
  const url = env.DATABASE_URL_STAGING;
  const on = services.filter(({ tracing }) => tracing?.enabled).map(({ service }) => service);
  if (!url && accepted.includes('staging')) {
    // What was accepted is production with the flag off; whether it is off is seen, not assumed.
    return on.length === 0
      ? { state: 'go', reason: '', numbers: 'no staging; accepted, and the flag is off in production' }
      : {
          state: 'warn',
          reason: `production with the flag off was accepted, and it is on in ${on.join(', ')}`,
          numbers: 'no staging',
        };
  }
  if (!url) {
    return {
      state: 'warn',
      reason: 'DATABASE_URL_STAGING is not set; --accept staging accepts production with the flag off',
      numbers: `none; in production the flag is ${on.length === 0 ? 'off' : `on in ${on.join(', ')}`}`,
    };
  }
  try {
    const version = await withConnection(
      url,
      { applicationName: 'beacon preflight', connectTimeoutMs: 3_000 },
      async (client) => (await client.query(`select current_setting('server_version') as v`)).rows[0].v,
    );
    return { state: 'go', reason: '', numbers: `staging answers, PostgreSQL ${version}` };
  } catch (error) {
    return { state: 'no-go', reason: (error as Error).message, numbers: 'staging does not answer' };
  }
}

/** What only people know; unanswered it stays open, and is counted. */
export const QUESTIONS = {
  window: 'When is it switched on, and who watches?',
  rollback: 'Who may switch it off again, at any hour?',
  success: 'By what is it called a success?',
  dashboards: 'Which dashboards show it, and who has opened them today?',
  risks: 'Who has read the risks (docs/preflight.md)?',
};

/** An answer that says that there is none. */
const NEGATIVE =
  /^\s*(?:no|nope|none|nobody|no one|not yet|never|nothing|unknown|unclear|tbd|todo|n\/?a|false|[-?.]+)\s*[.!]*\s*$/i;

export async function people({ answers, accepted }: Situation): Promise<Body> {
  const open = Object.keys(QUESTIONS).filter((name) => !answers[name]?.trim());
  const denied = Object.keys(QUESTIONS).filter((name) => NEGATIVE.test(answers[name] ?? ''));
  if (denied.length > 0 && !accepted.includes('people')) {
    return {
      state: 'no-go',
      reason: `answered with no: ${denied.map((name) => `${name} (${QUESTIONS[name as keyof typeof QUESTIONS]})`).join(', ')}`,
      numbers: `${Object.keys(QUESTIONS).length - open.length - denied.length} of ${Object.keys(QUESTIONS).length} answered with yes`,
    };
  }
  const given = Object.entries(answers).filter(([name]) => name in QUESTIONS);
  return {
    state: open.length === 0 || accepted.includes('people') ? 'go' : 'open',
    reason: open.length === 0 ? '' : `not answered: ${open.join(', ')} (--answers FILE)`,
    numbers:
      given.map(([name, answer]) => `${name}: ${answer}`).join('; ') ||
      `0 of ${Object.keys(QUESTIONS).length} answered`,
  };
}

export async function codeReadiness({ url, dir, tests, accepted }: Situation): Promise<Body> {
  const { pending, drift } = await withConnection(url, { applicationName: 'beacon preflight' }, async (client) => {
    const all = await migrationStatus(client, readSets());
    const golden = path.join(SQL_DIR, 'schema.sql');
    const now = renderSchemaSql(await describeSchema(client));
    return {
      pending: all
        .filter(({ set, state }) => set === 'beacon' && state !== 'applied')
        .map(({ name, state }) => `${name} (${state})`),
      drift: fs.existsSync(golden) ? differing(fs.readFileSync(golden, 'utf8'), now) : [],
    };
  });
  const git = spawnSync('git', ['status', '--porcelain'], { cwd: dir, encoding: 'utf8' });
  const changed = git.status === 0 ? git.stdout.split('\n').filter(Boolean).length : undefined;
  const branch = spawnSync('git', ['branch', '--show-current'], { cwd: dir, encoding: 'utf8' }).stdout?.trim();
  const tested = tests ? await run(tests, dir) : undefined;
  return {
    ...judged([
      {
        state: pending.length === 0 ? 'go' : 'no-go',
        reason: `migrations do not match the code: ${pending.join(', ')}`,
      },
      {
        state: drift.length === 0 || pending.length > 0 ? 'go' : 'no-go',
        reason: `the schema was changed by hand: ${drift.slice(0, 3).join(' | ')}`,
      },
      {
        state: changed === 0 || accepted.includes('git') ? 'go' : changed === undefined ? 'warn' : 'no-go',
        reason:
          changed === undefined
            ? 'not a git checkout'
            : `not committed: ${changed === 1 ? '1 file' : `${changed} files`}`,
      },
      {
        state:
          changed === undefined || accepted.includes('git') || /^(?:main|master|trunk)$/.test(branch) ? 'go' : 'no-go',
        reason: branch
          ? `the code is that of branch ${branch}, not of main`
          : 'the code is on no branch (detached HEAD)',
      },
      {
        state: tested === undefined || tested === 0 ? 'go' : 'no-go',
        reason: `the tests fail: \`${tests}\` ended with ${tested}`,
      },
    ]),
    numbers: `${pending.length} migrations pending, ${drift.length} ${drift.length === 1 ? 'line' : 'lines'} of drift, ${changed ?? '?'} uncommitted ${changed === 1 ? 'file' : 'files'}, branch ${branch || 'none'}, tests ${tested === undefined ? 'not run (--tests COMMAND)' : tested === 0 ? 'pass' : 'fail'}`,
  };
}

/** Lines only one of the two has. */
function differing(a: string, b: string): string[] {
  const lines = (text: string) =>
    new Set(
      text
        .split('\n')
        .map((line) => line.trim().replace(/,$/, ''))
        .filter((line) => line !== '' && !line.startsWith('--')),
    );
  const [one, other] = [lines(a), lines(b)];
  return [
    ...[...one].filter((line) => !other.has(line)).map((line) => `missing: ${line}`),
    ...[...other].filter((line) => !one.has(line)).map((line) => `new: ${line}`),
  ];
}

function run(command: string, cwd: string): Promise<number> {
  const child = spawn(command, { cwd, shell: true, stdio: 'ignore' });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
