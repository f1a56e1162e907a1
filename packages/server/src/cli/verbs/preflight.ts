// `beacon preflight`, `beacon report storage`, `beacon backfill`: before tracing is switched on, and after.
import * as fs from 'node:fs';
import * as readline from 'node:readline/promises';
import { Command } from 'commander';
import { askService } from '../../doctor/processes.ts';
import { bytes, type CheckResult, THRESHOLDS, type Thresholds } from '../../preflight/check.ts';
import { QUESTIONS } from '../../preflight/other-checks.ts';
import { EXIT, lastPreflight, markdown, type Preflight, type Progress, preflight } from '../../preflight/run.ts';
import { BeaconError } from '../../store/errors.ts';
import { findRun } from '../database.ts';
import { number } from '../render/format.ts';
import { clean, padEnd, type Terminal, wrap } from '../render/terminal.ts';
import { type Context, printJson, type VerbOptions, verb, withDatabase } from '../verb.ts';
import { servicesToAsk } from './doctor.ts';

const EXITS = `Exit codes of preflight, which differ from the general ones:
  0  GO (warnings and open questions are listed)
  1  NO-GO; with --compare: the overhead is above what is allowed
  2  something could not be checked; with --compare: undecided, or too few executions`;

const SIGNS = {
  go: ['✔', 'green'],
  warn: ['!', 'yellow'],
  'no-go': ['✖', 'red'],
  open: ['○', 'cyan'],
  unknown: ['?', 'magenta'],
} as const;

export function preflightVerb(): Command {
  return verb('preflight', 'May tracing be switched on? Ten checks, measured, ending in GO or NO-GO.')
    .option('--compare', 'compare executions traced since the last preflight with its baseline')
    .option('--accept <check...>', 'accept an objection: size, staging, people, git')
    .option('--url <url...>', 'service to ask (default: those started here)')
    .option('--answers <file>', `JSON with ${Object.keys(QUESTIONS).join(', ')}`)
    .option('--tests <command>', 'command that runs the tests of the code that is deployed')
    .option('--threshold <name=value...>', `other limits: ${Object.keys(THRESHOLDS).join(', ')}`)
    .option('--report <file>', 'also write a Markdown report')
    .addHelpText('after', `\n${EXITS}`)
    .action(withDatabase((context) => (context.options.compare ? compare(context) : check(context)), 4));
}

async function check({ pool, url, options, terminal, print }: Context): Promise<number> {
  const isTerminal = process.stdout.isTTY === true;
  const show: Progress = (each) => {
    if (options.json) return;
    // What is under way stands on a line that is overwritten.
    if (isTerminal) process.stdout.write('\r\u001b[K');
    if ('state' in each) for (const line of row(each, terminal)) print(line);
    else if (isTerminal)
      process.stdout.write(terminal.paint('dim', `… ${String(each.number).padStart(2)} ${each.name}`));
  };
  const logs = options.url ? undefined : findRun()?.run.logs;
  const result = await preflight(
    {
      pool,
      url,
      services: await Promise.all(servicesToAsk(options).map(({ url: one, name }) => askService(one, name))),
      thresholds: thresholds(options),
      accepted: (options.accept as string[] | undefined) ?? [],
      env: process.env,
      dir: process.cwd(),
      tests: options.tests as string | undefined,
      logs,
      answers: await answers(options),
    },
    show,
  );
  if (options.report) fs.writeFileSync(String(options.report), markdown(result));
  if (options.json) printJson(result);
  else {
    const paint = result.decision === 'GO' ? 'green' : result.decision === 'NO-GO' ? 'red' : 'yellow';
    const warned = result.checks.filter(({ state }) => state === 'warn').length;
    print('');
    print(
      `${terminal.paint(['bold', paint], result.decision)}  ${warned} ${warned === 1 ? 'warning' : 'warnings'}, ${result.open} open. ${baselineWords(result)}`,
    );
  }
  return EXIT[result.decision];
}

function baselineWords({ stored, baseline }: Preflight): string {
  if (!stored) return 'Nothing was stored: the database does not take it.';
  if (!baseline || baseline.timed === 0)
    return 'The report is stored, without a baseline: no execution had a duration.';
  return 'Baseline stored: beacon preflight --compare.';
}

function row({ number: n, name, state, numbers, reason }: CheckResult, terminal: Terminal): string[] {
  const [glyph, style] = SIGNS[state];
  // A narrow window has no room for a column of numbers.
  const indent = terminal.width < 80 ? 6 : 27;
  const pad = ' '.repeat(indent);
  const head = `${terminal.paint(style, glyph)} ${String(n).padStart(2)} ${padEnd(name, 11)} ${terminal.paint(style, padEnd(state.toUpperCase(), 8))}`;
  const lines = wrap(clean(numbers), terminal.width - indent);
  const [first = '', ...more] = indent < 27 ? ['', ...lines] : lines;
  return [
    `${head}  ${first}`.trimEnd(),
    ...more.filter(Boolean).map((line) => `${pad}${line}`),
    ...(reason
      ? wrap(`↳ ${clean(reason)}`, terminal.width - indent).map((line) => `${pad}${terminal.paint(style, line)}`)
      : []),
  ];
}

async function answers(options: VerbOptions): Promise<Record<string, string>> {
  if (options.answers) return JSON.parse(fs.readFileSync(String(options.answers), 'utf8'));
  if (options.json || !process.stdin.isTTY || !process.stdout.isTTY) return {};
  const terminal = readline.createInterface({ input: process.stdin });
  // Lines that come faster than they are asked for are kept.
  const lines = terminal[Symbol.asyncIterator]();
  const given: Record<string, string> = {};
  process.stdout.write('Five things only people know; Enter leaves one open.\n');
  for (const [name, question] of Object.entries(QUESTIONS)) {
    process.stdout.write(`  ${question} `);
    const { value, done } = await lines.next();
    if (done) break;
    given[name] = value;
  }
  terminal.close();
  process.stdout.write('\n');
  return given;
}

function thresholds(options: VerbOptions): Thresholds {
  const changed: Thresholds = { ...THRESHOLDS };
  for (const pair of (options.threshold as string[] | undefined) ?? []) {
    const [name = '', value] = pair.split('=');
    if (!(name in changed) || !(Number(value) >= 0)) {
      throw new BeaconError(
        'usage',
        `--threshold must be name=number (got "${pair}").`,
        `One of ${Object.keys(THRESHOLDS).join(', ')}, with a number.`,
      );
    }
    changed[name as keyof Thresholds] = Number(value);
  }
  return changed;
}

const COMPARED: Record<string, string> = {
  below: 'below what is allowed',
  above: 'above what is allowed',
  undecided: 'undecided; more executions make it narrower',
  'traced before': 'the baseline holds executions that were traced already; take one with the flag off',
  incomparable: 'executions became faster, so the two times differ in more than tracing; compare equal load',
};

async function compare({ pool, options, print }: Context): Promise<number> {
  const last = await lastPreflight(pool);
  if (!last)
    throw new BeaconError(
      'not_found',
      'No preflight has been run against this database.',
      'Run `beacon preflight` before tracing is switched on.',
    );
  const { rows } = await pool.query('select * from beacon.preflight_compare($1)', [last.id]);
  const [r] = rows;
  if (options.json) printJson(r);
  else {
    print(
      `before   ${number(r.before_executions)} executions, ${number(r.before_ms)} ms on average (baseline of ${last.takenAt})`,
    );
    print(`traced   ${number(r.after_executions)} executions, ${number(r.after_ms)} ms on average`);
    print(
      r.overhead_pct === null
        ? 'Too few executions on one of the two sides.'
        : `overhead ${r.overhead_pct.toFixed(1)} %, with 95 % confidence between ${r.low_pct.toFixed(1)} and ${r.high_pct.toFixed(1)} %: ${COMPARED[r.verdict]}`,
    );
  }
  return r.verdict === 'below' ? 0 : r.verdict === 'above' ? 1 : 2;
}

export function reportVerb(): Command {
  const storage = verb(
    'storage',
    'How long a plan of the database lasts at the present pace, and what retention would change.',
  )
    .option('--plan <bytes>', 'what the plan holds, in MB', '512')
    .action(
      withDatabase(async ({ pool, options, print }) => {
        const limit = Number(options.plan) * 1e6;
        if (!(limit > 0))
          throw new BeaconError(
            'usage',
            `--plan must be a number of MB (got "${options.plan}").`,
            'For example --plan 500.',
          );
        const { rows } = await pool.query('select * from beacon.storage_forecast($1)', [limit]);
        const [f] = rows;
        if (options.json) printJson(f);
        else {
          print(`now          ${bytes(f.bytes)} for spans and what belongs to them`);
          print(`a span       ${Math.round(f.bytes_per_span)} B (${f.basis})`);
          print(`a day        ${number(Math.round(f.spans_per_day))} spans, ${bytes(f.bytes_per_day)}`);
          print(`a month      ${bytes(30 * f.bytes_per_day)}`);
          print(`a year       ${bytes(365 * f.bytes_per_day)}, if all of it were kept`);
          print(`kept         ${f.retention_days} days: ${bytes(f.bytes_at_retention)} of ${bytes(limit)}`);
          print(
            f.days_until_full === null
              ? 'full         never: nothing is written'
              : `full         in ${number(Math.floor(f.days_until_full))} days without retention`,
          );
          if (f.bytes_at_retention > limit)
            print(
              `What helps: retention_days ${f.retention_suggested} in beacon.settings keeps it below four fifths of the plan.`,
            );
        }
        return f.bytes_at_retention > limit ? 1 : 0;
      }),
    );
  return new Command('report').description('Reports about this installation.').addCommand(storage);
}

export function backfillVerb(): Command {
  return verb(
    'backfill',
    'One synthetic span for each execution that ended without a trace, made from its row and flagged so.',
  )
    .option('--max <n>', 'executions at most', '10000')
    .action(
      withDatabase(async ({ pool, options, print }) => {
        const max = Number(options.max);
        if (!Number.isInteger(max) || max < 1)
          throw new BeaconError(
            'usage',
            `--max must be a whole number (got "${options.max}").`,
            'It limits how many executions are filled in.',
          );
        const { rows } = await pool.query('select beacon.backfill($1) as made', [max]);
        const made = Number(rows[0].made);
        const { rows: skipped } = await pool.query(
          `select distinct on (records) summary || '; ' || fix as why from beacon.record_troubles()
          where needed or role in ('job_column', 'status_column', 'model_column', 'region_column') order by records`,
        );
        for (const { why } of skipped) process.stderr.write(`Left out: ${why}.\n`);
        if (options.json) printJson({ made });
        else
          print(`${number(made)} synthetic spans were made${made === max ? '; there may be more: run it again' : ''}.`);
        return 0;
      }),
    );
}
