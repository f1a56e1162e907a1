import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { type RunFile, readRunFile } from '../src/store/run-file.ts';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
// A folder that the user who runs PostgreSQL may enter; one cluster serves all tests.
const kept = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-start-')), 'state');
fs.chmodSync(path.dirname(kept), 0o755);
const starts: Started[] = [];
after(async () => {
  // Where a test failed in the middle, something still runs.
  for (const { process: child } of starts) child.kill('SIGTERM');
  await Promise.all(starts.map(({ ended }) => ended));
  fs.rmSync(path.dirname(kept), { recursive: true, force: true });
});

interface Started {
  process: ChildProcess;
  /** Resolves with everything it wrote so far, as soon as that matches. */
  said(pattern: RegExp): Promise<string>;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

const SETTINGS = ['DATABASE_URL', 'ENABLE_DB_TRACING', 'HYBRID_ROUTER_URL', 'PROVIDERS', 'PROVIDERS_FILE', 'FAULTS'];

function beaconStart(args: string[], env: Record<string, string> = {}): Started {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SETTINGS.includes(name)));
  const child = spawn(process.execPath, [MAIN, 'start', ...args], {
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      child.emit('said');
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...text }));
  const started: Started = {
    process: child,
    ended,
    async said(pattern) {
      for (;;) {
        const all = text.stdout + text.stderr;
        if (pattern.test(all)) return all;
        if (child.exitCode !== null) throw new Error(`It ended without saying ${pattern}:\n${all}`);
        await Promise.race([once(child, 'said'), ended]);
      }
    },
  };
  starts.push(started);
  return started;
}

function pidsOf(run: RunFile, dir: string): number[] {
  const postmaster = fs.readFileSync(path.join(dir, 'postgres/cluster/postmaster.pid'), 'utf8');
  return [run.pid, Number(postmaster.split('\n')[0]), ...run.services.map(({ pid }) => pid)];
}

/** A process that has ended and was not yet collected by its parent counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !fs.existsSync(stat) || !/\) [ZX] /.test(fs.readFileSync(stat, 'utf8'));
  } catch {
    return false;
  }
}

async function areGone(pids: number[]): Promise<boolean> {
  const deadline = Date.now() + 5_000;
  while (pids.some(isAlive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  return !pids.some(isAlive);
}

function hasPostgres(dir: string): boolean {
  return fs.existsSync(path.join(dir, 'postgres/cluster/postmaster.pid'));
}

test('one command runs the sample to its diagnosis: one region fails, all is traced, nothing is left behind', async () => {
  const { ended } = beaconStart(['--once', '--json', '--any-port', '--dir', kept]);
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, stderr);
  const { database, services, sample } = JSON.parse(stdout);

  const failed = sample.executions.filter((each: { status: string }) => each.status === 'failed');
  assert.equal(sample.executions.length, 12);
  assert.deepEqual(new Set(failed.map((each: { region: string }) => each.region)), new Set(['eu-west']));
  assert.equal(failed.length, 4);

  const spans: { service: string; status: string }[] = sample.failure.waterfall;
  assert.deepEqual(new Set(spans.map(({ service }) => service)), new Set(['runner', 'router', 'inference']));
  const [cause] = sample.failure.causes;
  assert.equal(`${cause.type} in ${cause.service}`, 'SERVICE_TIMEOUT in inference');
  assert.ok(cause.recommendation);
  assert.equal(sample.coverage.traced, 12);

  assert.match(database, /:\*\*\*@/, 'the password is masked');
  assert.match(stderr, /Trace coverage\n✔ 12 of 12/);
  assert.ok(await areGone(services.map(({ pid }: { pid: number }) => pid)));
  assert.equal(hasPostgres(kept), false);
  assert.equal(readRunFile(kept), undefined);
});

test('a second start has the data of the first, is told apart by a third, survives crashes, and ends with Ctrl-C', async () => {
  const beacon = beaconStart(['--no-sample', '--any-port', '--dir', kept]);
  await beacon.said(/Serving\./);
  const run = readRunFile(kept) as RunFile;
  assert.equal(fs.statSync(path.join(kept, 'run.json')).mode & 0o777, 0o600);
  const urlOf = (name: string) => run.services.find((each) => each.name === name)?.url;

  const traces = await fetch(`${urlOf('server')}/api/v1/search?limit=100`, { headers: { connection: 'close' } });
  assert.ok(((await traces.json()) as { rows: unknown[] }).rows.length >= 12, 'the traces of the first start');

  const psql = new pg.Client({ connectionString: run.database });
  await psql.connect();
  const { rows: newest } = await psql.query(
    'SELECT id, job_id, status FROM executions ORDER BY created_at DESC LIMIT 1;',
  );
  assert.match(newest[0].status, /^(?:completed|failed)$/);
  const { rows: usual } = await psql.query(
    `SELECT AVG(EXTRACT(EPOCH FROM (completed_at - started_at))) AS avg_seconds, COUNT(*) FROM executions WHERE created_at > NOW() - INTERVAL '7 days' AND status = 'completed';`,
  );
  assert.ok(usual[0].avg_seconds > 0);
  await psql.end();

  const third = await beaconStart(['--any-port', '--dir', kept]).ended;
  assert.equal(third.code, 1);
  assert.match(third.stdout, new RegExp(`already runs here \\(pid ${run.pid},`));
  for (const { url } of run.services) assert.ok(third.stdout.includes(url));

  const router = run.services.find(({ name }) => name === 'router');
  process.kill(router?.pid as number, 'SIGKILL');
  await beacon.said(/router \(pid \d+\) was ended by SIGKILL .* The other services keep running/);
  await beacon.said(/router runs again/);
  const repaired = readRunFile(kept) as RunFile;
  for (const { name, pid } of repaired.services) {
    assert.equal(pid === run.services.find((each) => each.name === name)?.pid, name !== 'router', name);
  }

  process.kill(pidsOf(repaired, kept)[1] as number, 'SIGQUIT');
  await beacon.said(/PostgreSQL \(pid \d+\) ended\. [\s\S]*with the data of before/);
  const again = await fetch(`${urlOf('server')}/api/v1/search`, { headers: { connection: 'close' } });
  assert.equal(again.status, 200);

  const pids = pidsOf(repaired, kept);
  beacon.process.kill('SIGINT');
  const { code, stdout } = await beacon.ended;
  assert.equal(code, 0);
  assert.ok(stdout.endsWith(`Stopped. The data stays in ${path.join(kept, 'postgres')}\n`), stdout.slice(-200));
  assert.ok(await areGone(pids));
  assert.equal(readRunFile(kept), undefined);
});

test('what is left of a start that was killed is taken over by the next, and stopped with it', async () => {
  const killed = beaconStart(['--no-sample', '--any-port', '--dir', kept]);
  await killed.said(/Serving\./);
  const run = readRunFile(kept) as RunFile;
  killed.process.kill('SIGKILL');
  await killed.ended;
  assert.ok(await areGone(run.services.map(({ pid }) => pid)), 'services stop by themselves');
  assert.ok(hasPostgres(kept), 'the database goes on');
  const next = await beaconStart(['--once', '--no-sample', '--any-port', '--dir', kept]).ended;
  assert.equal(next.code, 0, next.stdout);
  assert.equal(hasPostgres(kept), false);
});

test('with a database of the user the end names that one, without its password', async () => {
  const { url } = await testDatabase(false);
  const dir = path.join(path.dirname(kept), 'own');
  const { code, stdout } = await beaconStart(['--once', '--no-sample', '--any-port', '--dir', dir], {
    DATABASE_URL: url,
  }).ended;
  assert.equal(code, 0, stdout);
  const { username, host, pathname, password } = new URL(url);
  assert.match(
    stdout,
    new RegExp(`Stopped\\. The data stays in postgres(ql)?://${username}:\\*\\*\\*@${host}${pathname}\n$`),
  );
  assert.ok(!stdout.includes(password));
});

test('a stop while it is starting leaves nothing behind', async () => {
  const beacon = beaconStart(['--any-port', '--dir', kept]);
  await beacon.said(/Schema/);
  beacon.process.kill('SIGTERM');
  const { code } = await beacon.ended;
  assert.equal(code, 0);
  assert.equal(hasPostgres(kept), false);
  assert.equal(readRunFile(kept), undefined);
});

test('a service that does not start ends the start with its last words, and everything else with it', async () => {
  const { code, stdout } = await beaconStart(['--any-port', '--dir', kept], { PROVIDERS: 'nonsense' }).ended;
  assert.equal(code, 1);
  assert.match(stdout, /PROVIDERS is set in your environment and is left as it is/);
  assert.match(stdout, /router ended with code 1 .*\n.*PROVIDERS is not valid JSON/);
  assert.equal(hasPostgres(kept), false);
});

test('a database that does not answer is named without its password, with what to do', async () => {
  const url = 'postgresql://app:secret@127.0.0.1:1/app';
  const { code, stdout } = await beaconStart(['--dir', kept], { DATABASE_URL: url }).ended;
  assert.equal(code, 1);
  assert.match(stdout, /Nothing answers at postgresql:\/\/app:\*\*\*@127\.0\.0\.1:1\/app/);
  assert.doesNotMatch(stdout, /secret/);
});

test('a busy port is replaced by a free one, said in one line', async () => {
  const blocker = net.createServer();
  blocker.listen(8080, '127.0.0.1').on('error', () => {
    // Busy already: as good.
  });
  const { code, stdout } = await beaconStart(['--once', '--no-sample', '--dir', kept]).ended;
  blocker.close();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /! Port 8080 is busy: server listens on \d+ instead\.\n/);
});
