#!/usr/bin/env node
// The program `beacon`.
import * as fs from 'node:fs';
import { type Command, CommanderError } from 'commander';
import { program } from './cli/program.ts';

const USAGE = 2;

// Reading less than all of the output (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program(await startVerb()).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : USAGE;
}

async function startVerb(): Promise<Command[]> {
  const module = new URL('./start/command.ts', import.meta.url);
  if (!fs.existsSync(module)) return [];
  const { startCommand } = (await import(module.href)) as { startCommand: () => Command };
  return [startCommand()];
}
