#!/usr/bin/env node
// The program `beacon`.
import * as module from 'node:module';

// Halves the time until a verb starts to work; therefore nothing of ours is imported before.
module.enableCompileCache();
const { CommanderError } = await import('commander');
const { program } = await import('./cli/program.ts');
const { serveCommand } = await import('./serve/command.ts');
const { mcpCommand } = await import('./serve/mcp.ts');
const { provideDoctor } = await import('./queries/actions.ts');

const USAGE = 2;

provideDoctor(async ({ databaseUrl, url }) => {
  const [{ doctorRows }, { servicesToAsk }] = await Promise.all([
    import('./doctor/rows.ts'),
    import('./cli/verbs/doctor.ts'),
  ]);
  return doctorRows(databaseUrl, servicesToAsk(url === undefined ? {} : { url: [url] }));
});

// Reading less than all of the output (`| head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program([...(await startVerb()), serveCommand(), mcpCommand()]).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE;
}

/** Its imports are many; verbs that do not need them should answer at once. */
async function startVerb() {
  const [verb = 'help'] = process.argv.slice(2);
  if (!['start', 'help', '--help', '-h'].includes(verb)) return [];
  const { startCommand } = await import('./start/command.ts');
  return [startCommand()];
}
