// `beacon doctor`: why there is no trace. One verdict, its evidence, what to do, and what was found good.
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { examine } from '../../doctor/examine.ts';
import { type Diagnosis, EXIT, type Finding } from '../../doctor/finding.ts';
import { BeaconError } from '../../store/errors.ts';
import { findDatabase, findRun } from '../database.ts';
import { clean, padEnd, type Terminal, terminalOf, wrap } from '../render/terminal.ts';
import { action, print, printJson, type VerbOptions, verb } from '../verb.ts';

const WATCH_EVERY_MS = 2_000;
const LABEL = 26;

const EXITS = `Exit codes of doctor, which differ from the general ones:
  0  every hop of a span was checked and is good
  1  a fault was found, and is named
  2  something could not be checked (no service, no database), or the command line is wrong`;

export function doctorVerb(): Command {
  return verb('doctor', 'Why is there no trace? Follows a span through every hop and names the one that is broken.')
    .option('--url <url...>', 'service to ask, for example http://127.0.0.1:8090 (default: those started here)')
    .option('--otlp <url>', 'OTLP/HTTP endpoint to try (default: OTEL_EXPORTER_OTLP_ENDPOINT)')
    .option('--watch', 'look again every two seconds until nothing is wrong')
    .option('--within <seconds>', 'with --watch: at most so long; the exit code is then that of the last look')
    .addHelpText('after', `\n${EXITS}`)
    .action(action(doctor));
}

async function doctor(options: VerbOptions): Promise<number> {
  const terminal = terminalOf(process.stdout);
  const databaseUrl = database(options);
  const until = performance.now() + 1_000 * within(options);
  let said = '';
  const pending: string[] = [];
  for (;;) {
    const diagnosis = await examine({
      databaseUrl,
      services: servicesToAsk(options),
      otlpUrl: options.otlp as string | undefined,
      only: options.url !== undefined,
      earlier: pending,
    });
    pending.push(...diagnosis.pending);
    const now = JSON.stringify([diagnosis.verdict, diagnosis.faults.map(({ fault, service }) => [fault, service])]);
    if (now !== said) {
      if (options.json) printJson(diagnosis);
      else for (const line of renderDiagnosis(diagnosis, terminal)) print(line);
    }
    said = now;
    if (!options.watch || diagnosis.verdict === 'healthy' || performance.now() > until) return EXIT[diagnosis.verdict];
    await pause(WATCH_EVERY_MS);
  }
}

/** How long --watch runs, in seconds. */
function within(options: VerbOptions): number {
  const seconds = Number(options.within ?? Number.POSITIVE_INFINITY);
  if (seconds > 0) return seconds;
  throw new BeaconError(
    'usage',
    `--within must be a number of seconds (got "${options.within}").`,
    'For example --within 60.',
  );
}

/** Services named by --url, or those started here: asked anew each time, because a restart may have moved them. */
export function servicesToAsk(options: VerbOptions): { url: string; name?: string }[] {
  const urls = options.url as string[] | undefined;
  if (urls) return urls.map((url) => ({ url }));
  const started = findRun()?.run.services ?? [];
  return started.filter(({ name }) => name !== 'server').map(({ name, url }) => ({ name, url }));
}

function database(options: VerbOptions): string | undefined {
  try {
    return findDatabase(options.databaseUrl).url;
  } catch {
    return undefined;
  }
}

/** The verdict first. */
function renderDiagnosis(diagnosis: Diagnosis, terminal: Terminal): string[] {
  const { verdict, faults, unknown, notes, good, leftBehind, tookMs } = diagnosis;
  const lines: string[] = [];
  if (verdict === 'healthy') {
    lines.push(terminal.paint(['bold', 'green'], '✔ HEALTHY  a span that is made now is found again'));
  }
  for (const [i, fault] of faults.entries()) {
    if (i > 0) lines.push('', terminal.paint('bold', 'And, apart from that'));
    lines.push(...faultLines(fault, terminal));
  }
  if (verdict === 'unknown') lines.push(terminal.paint(['bold', 'yellow'], '? COULD NOT CHECK'));
  for (const one of unknown) {
    lines.push(...wrap(`? ${clean(one.summary)}`, terminal.width), ...fixLines(one, terminal));
  }
  if (notes.length > 0) lines.push('', terminal.paint('bold', 'Worth knowing'));
  for (const one of notes) {
    lines.push(...wrap(`${clean(one.summary)}. ${clean(one.fix)}`, terminal.width, '  '));
  }
  if (good.length > 0) lines.push('', terminal.paint('bold', 'Checked and found good'));
  for (const { hop, summary } of together(good)) {
    const text = wrap(clean(summary), terminal.width - 14);
    lines.push(
      ...text.map((line, i) =>
        i === 0
          ? `  ${terminal.paint('green', '✔')} ${terminal.paint('dim', padEnd(hop, 9))} ${line}`
          : `${' '.repeat(14)}${line}`,
      ),
    );
  }
  lines.push('');
  for (const what of leftBehind) lines.push(`Left behind: ${clean(what)}`);
  const seconds = (tookMs / 1000).toFixed(1);
  lines.push(terminal.paint('dim', `Took ${seconds} s${leftBehind.length === 0 ? '; nothing was left behind' : ''}.`));
  return lines;
}

/** What is good of several services in the same words is said once. */
function together(good: Finding[]): { hop: string; summary: string }[] {
  const said = new Map<string, { hop: string; summary: string; services: string[] }>();
  for (const { hop, service, summary } of good) {
    const one = said.get(`${hop} ${summary}`) ?? { hop, summary, services: [] };
    if (service) one.services.push(service);
    said.set(`${hop} ${summary}`, one);
  }
  return [...said.values()].map(({ hop, summary, services }) => ({
    hop,
    summary: services.length > 0 ? `${services.join(', ')}: ${summary}` : summary,
  }));
}

function faultLines(fault: Finding, terminal: Terminal): string[] {
  const facts = Object.entries(fault.evidence ?? {});
  return [
    `${terminal.paint(['bold', 'red'], `✖ ${fault.fault}`)}  ${terminal.paint('dim', `hop: ${fault.hop}`)}`,
    ...wrap(clean(fault.summary), terminal.width, '  '),
    ...(facts.length > 0 ? ['', terminal.paint('bold', 'Evidence')] : []),
    ...facts.flatMap(([name, value]) => {
      const label = padEnd(clean(name.replaceAll('_', ' ')), LABEL);
      const [first = '', ...more] = wrap(clean(words(value)), Math.max(20, terminal.width - LABEL - 4));
      return [`  ${terminal.paint('dim', label)}  ${first}`, ...more.map((line) => `${' '.repeat(LABEL + 4)}${line}`)];
    }),
    ...(fault.fix ? ['', terminal.paint('bold', 'What to do'), ...wrap(clean(fault.fix), terminal.width, '  ')] : []),
  ];
}

function fixLines({ fix }: Finding, terminal: Terminal): string[] {
  return fix ? wrap(clean(fix), terminal.width, '    ') : [];
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join(', ');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, each]) => `${name} ${words(each)}`)
      .join(', ');
  }
  return String(value ?? '–');
}
