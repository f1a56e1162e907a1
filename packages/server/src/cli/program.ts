// The command line: which verbs there are.
import { Command } from 'commander';
import { QUERIES } from '../registry.ts';
import { VERSION } from '../version.ts';
import { findRun } from './database.ts';
import { EXIT_CODES } from './verb.ts';
import { alertTargetVerb } from './verbs/alert-target.ts';
import { archiveVerb } from './verbs/archive.ts';
import { diagnoseVerb } from './verbs/diagnose.ts';
import { doctorVerb } from './verbs/doctor.ts';
import { forgetVerb } from './verbs/forget.ts';
import { gateVerb } from './verbs/gate.ts';
import { importPricesVerb } from './verbs/import-prices.ts';
import { jobExportVerb } from './verbs/job-export.ts';
import { maintainVerb } from './verbs/maintain.ts';
import { manifestVerb, verifyVerb } from './verbs/manifest.ts';
import { migrateVerb } from './verbs/migrate.ts';
import { backfillVerb, preflightVerb, reportVerb } from './verbs/preflight.ts';
import { queryVerb } from './verbs/query-verb.ts';
import { statusVerb } from './verbs/status.ts';
import { submitVerb } from './verbs/submit.ts';
import { watchVerb } from './verbs/watch.ts';

/** Queries the command line does in its own way. */
const OWN_VERBS = new Set(['diagnose', 'doctor', 'run-doctor', 'submit-job', 'gate']);
/** Those that go to the runner. */
const TO_THE_RUNNER = new Set(['rerun', 'receipts', 'judge']);

/**
 * The program `beacon`, ready to parse.
 *
 * @param more Verbs that are not the command line's own: `start`, `serve`.
 */
export function program(more: Command[]): Command {
  const beacon = new Command('beacon')
    .description('Distributed tracing that lives in PostgreSQL, and says why an execution failed.')
    .version(VERSION)
    .addHelpText('after', `\n${EXIT_CODES}`);
  const verbs = [
    ...more,
    statusVerb(),
    doctorVerb(),
    preflightVerb(),
    reportVerb(),
    backfillVerb(),
    migrateVerb(),
    maintainVerb(),
    forgetVerb(),
    alertTargetVerb(),
    gateVerb(),
    importPricesVerb(),
    jobExportVerb(),
    manifestVerb(),
    verifyVerb(),
    archiveVerb(),
    diagnoseVerb(),
    watchVerb(),
    toTheRunnerHere(submitVerb()),
    ...QUERIES.filter(({ name }) => !OWN_VERBS.has(name)).map((query) =>
      TO_THE_RUNNER.has(query.name) ? toTheRunnerHere(queryVerb(query)) : queryVerb(query),
    ),
  ];
  for (const verb of verbs) beacon.addCommand(verb);
  return everywhere(beacon);
}

/** Where RUNNER_URL names none, the runner that `beacon start` runs here takes the job. */
function toTheRunnerHere(command: Command): Command {
  return command.hook('preAction', () => {
    const runner = findRun()?.run.services.find(({ name }) => name === 'runner');
    if (runner) process.env.RUNNER_URL ??= runner.url;
  });
}

/** Commander ends the process with 1 for a wrong command line; here that is 2. */
function everywhere(command: Command): Command {
  command.exitOverride().showSuggestionAfterError();
  for (const each of command.commands) everywhere(each);
  return command;
}
