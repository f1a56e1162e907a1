#!/usr/bin/env node
// The program `beacon`.
import * as module from 'node:module';

// Halves the time until a verb starts to work; therefore nothing of ours is imported before.
module.enableCompileCache();
const { main } = await import('./beacon.ts');

// Reading less than all of the output (`| head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

await main(process.argv.slice(2));
