// The command line from its arguments to its exit code.
import { CommanderError } from 'commander';
import { program } from './cli/program.ts';
import { provideDoctor } from './queries/actions.ts';
import { serveCommand } from './serve/command.ts';
import { mcpCommand } from './serve/mcp.ts';

const USAGE = 2;

provideDoctor(async ({ databaseUrl, url }) => {
  const [{ doctorRows }, { servicesToAsk }] = await Promise.all([
    import('./doctor/rows.ts'),
    import('./cli/verbs/doctor.ts'),
  ]);
  return doctorRows(databaseUrl, servicesToAsk(url === undefined ? {} : { url: [url] }));
});

/** Runs one command line; its outcome is in `process.exitCode`. */
export async function main(args: string[]): Promise<void> {
  try {
    await program([...(await startVerb(args)), serveCommand(), mcpCommand()]).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  }
}

/** Its imports are many; verbs that do not need them should answer at once. */
async function startVerb([verb = 'help']: string[]) {
  if (!['start', 'help', '--help', '-h'].includes(verb)) return [];
  const { startCommand } = await import('./start/command.ts');
  return [startCommand()];
}
