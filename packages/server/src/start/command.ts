// `beacon start` on the command line.
import { Command, Option } from 'commander';
import { start } from './index.ts';

const EXIT_CODES = `Exit codes:
  0    stopped in order
  1    something did not start, another start has the folder, or (with --once) the sample could not be run
  2    the command line is wrong
  130  killed by a second Ctrl-C, or (with --once) interrupted before the report`;

/** The verb, ready to be added to the program. */
export function startCommand(): Command {
  return new Command('start')
    .description('Starts PostgreSQL, the server and the benchmark services, and runs a sample job.')
    .addOption(
      new Option('--model <which>', 'what answers the sample job: the simulated models, or a real one on this machine')
        .choices(['simulated', 'local'])
        .default('simulated'),
    )
    .option('--no-sample', 'do not run the sample job')
    .option('--once', 'stop after the report')
    .option('--json', 'the report as JSON on stdout, everything else on stderr')
    .option('--dir <folder>', 'where database, logs and run.json are kept', '.beacon')
    .option('--any-port', 'any free ports instead of 8080, 8090 to 8095 and 5432')
    .addHelpText(
      'after',
      `\nDATABASE_URL, where it is set, is used instead of the embedded PostgreSQL.\n\n${EXIT_CODES}`,
    )
    .action(async (options) => {
      // Services and database have ended by now; what may still be open (a kept-alive connection) is not waited for.
      process.exit(await start(options));
    });
}
