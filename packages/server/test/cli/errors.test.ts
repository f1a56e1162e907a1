import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { program } from '../../src/cli/program.ts';
import { terminalOf } from '../../src/cli/render/terminal.ts';
import { run, start } from './run.ts';

const { url } = await testDatabase();
const env = { DATABASE_URL: url };

test('help names every exit code, and every verb has help', async () => {
  const { code, out } = await run(['--help']);
  assert.equal(code, 0);
  for (const exit of [0, 1, 2, 3, 4, 5]) assert.match(out, new RegExp(`^ {2}${exit} {2}\\S`, 'm'));
  assert.match((await run(['waterfall', '--help'])).out, /<execution\|trace>/);
});

test('every flag of every verb says what it means', () => {
  const speechless = program([])
    .commands.flatMap((command) => command.options.map((option) => ({ command: command.name(), ...option })))
    .filter(({ description }) => !description)
    .map(({ command, flags }) => `${command} ${flags}`);
  assert.deepEqual(speechless, []);
});

test('--version is that of the package', async () => {
  const { code, out } = await run(['--version']);
  assert.equal(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});

test('a wrong command line exits with 2 and says what is wrong', async () => {
  const cases: Array<[args: string[], pattern: RegExp]> = [
    [['nonsense'], /unknown command 'nonsense'/],
    [['waterfal', '1'], /Did you mean waterfall/],
    [['diagnose'], /missing required argument 'execution'/],
    [['diagnose', ''], /execution_id: must not be empty/],
    [['traces', '--limit', '0'], /limit: .*>=1/],
    [['traces', '--nonsense'], /unknown option/],
    [['serve', '--port', 'x'], /--port is "x"/],
    [['traces', '--database-url', 'mysql://h/d'], /Not a PostgreSQL connection string/],
  ];
  for (const [args, pattern] of cases) {
    const { code, err } = await run(args, env);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, pattern);
  }
});

test('a database that cannot be reached exits with 3, without its password', async () => {
  const { code, out, err } = await run(['health', '--json'], { DATABASE_URL: 'postgresql://u:secret@127.0.0.1:1/d' });
  assert.equal(code, 3);
  assert.match(err, /error: Nothing answers at postgresql:\/\/u:\*\*\*@127\.0\.0\.1:1\/d/);
  assert.match(err, /Check that PostgreSQL runs/);
  assert.equal(JSON.parse(out).error.code, 'database_unreachable');
  assert.doesNotMatch(out + err, /secret/);
});

test('a database that is not migrated exits with 3 and names the command', async () => {
  const empty = await testDatabase(false);
  const { code, err } = await run(['waterfall', '1'], { DATABASE_URL: empty.url });
  assert.equal(code, 3);
  assert.match(err, /Run `beacon migrate up`/);
});

test('without any database named it exits with 3 and says how to name one', async () => {
  const { code, err } = await run(['health'], {}, fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-none-')));
  assert.equal(code, 3);
  assert.match(err, /Set DATABASE_URL, pass --database-url, or start everything/);
});

test('what does not exist exits with 4', async () => {
  const { code, err } = await run(['waterfall', '77'], env);
  assert.equal(code, 4);
  assert.match(err, /no spans of execution 77/);
});

test('the database of a running start is used from folders below it, and named on stderr', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-run-'));
  after(() => fs.rmSync(dir, { recursive: true }));
  fs.mkdirSync(path.join(dir, '.beacon'));
  fs.mkdirSync(path.join(dir, 'below'));
  const file = path.join(dir, '.beacon', 'run.json');
  fs.writeFileSync(file, JSON.stringify({ pid: 1, startedAt: new Date(), database: url, services: [], logs: dir }));
  const { code, err } = await run(['health'], {}, path.join(dir, 'below'));
  assert.equal(code, 0);
  assert.match(err, new RegExp(`^Database: postgresql://\\w+:\\*\\*\\*@.*\\(from ${file}\\)\n$`));
});

test('a reader that goes away is no error', async () => {
  const child = start(['migrate', 'print'], env);
  child.stdout?.destroy();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('colour needs a terminal that can, and its width is its own unless COLUMNS says otherwise', () => {
  const tty = { isTTY: true, columns: 90 } as NodeJS.WriteStream;
  const pipe = {} as NodeJS.WriteStream;
  assert.ok(terminalOf(tty, {}).paint('red', 'x').startsWith('\u001b[31mx'));
  assert.equal(terminalOf(tty, { NO_COLOR: '1' }).paint('red', 'x'), 'x');
  assert.equal(terminalOf(tty, { TERM: 'dumb' }).paint('red', 'x'), 'x');
  assert.equal(terminalOf(pipe, {}).paint('red', 'x'), 'x');
  assert.deepEqual(
    [terminalOf(tty, {}).width, terminalOf(pipe, {}).width, terminalOf(tty, { COLUMNS: '50' }).width],
    [90, 120, 50],
  );
});
