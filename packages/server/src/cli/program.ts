// The command line: which verbs there are.
import { Command } from 'commander';
import { OPERATIONS } from '../operations/registry.ts';
import { findRun } from './database.ts';
import { diagnoseVerb } from './diagnose.ts';
import { doctorVerb } from './doctor.ts';
import { maintainVerb } from './maintain.ts';
import { migrateVerb } from './migrate.ts';
import { operationVerb } from './operation-verb.ts';
import { backfillVerb, preflightVerb, reportVerb } from './preflight.ts';
import { statusVerb } from './status.ts';
import { EXIT_CODES } from './verb.ts';
import { watchVerb } from './watch.ts';

/** Operations the command line does in its own way. */
const OWN_VERBS = new Set(['diagnose', 'doctor', 'run-doctor']);

/**
 * The program `beacon`, ready to parse.
 *
 * @param more Verbs that are not the command line's own: `start`, `serve`.
 */
export function program(more: Command[]): Command {
  const beacon = new Command('beacon')
    .description('Distributed tracing that lives in PostgreSQL, and says why an execution failed.')
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
    diagnoseVerb(),
    watchVerb(),
    ...OPERATIONS.filter(({ name }) => !OWN_VERBS.has(name)).map((operation) =>
      operation.name === 'submit-job' ? toTheRunnerHere(operationVerb(operation)) : operationVerb(operation),
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
