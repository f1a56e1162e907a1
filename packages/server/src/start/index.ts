// `beacon start`: takes the folder, then hands over to one run.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { shownAddress } from '../store/errors.ts';
import { type RunFile, takeRunFile } from '../store/run-file.ts';
import { Run, type StartOptions } from './run.ts';
import { Screen } from './screen.ts';

export type { StartOptions } from './run.ts';

/**
 * Starts everything and keeps it running until a signal arrives, or until the report with `once`.
 *
 * @returns the exit code: 0 after an orderly stop, 1 when something did not start or another start has the folder,
 *   130 after a second Ctrl-C, or when `once` was interrupted.
 */
export async function start(options: StartOptions = {}): Promise<number> {
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const dir = path.resolve(options.dir ?? '.beacon');
  const logs = path.join(dir, 'logs');
  try {
    fs.mkdirSync(logs, { recursive: true });
    fs.accessSync(dir, fs.constants.W_OK);
  } catch (error) {
    screen.problem(
      `Cannot write to ${dir} (${(error as NodeJS.ErrnoException).code}): name another folder with --dir.`,
    );
    return 1;
  }
  const run: RunFile = { pid: process.pid, startedAt: new Date().toISOString(), database: '', services: [], logs };
  const other = takeRunFile(dir, run);
  if (!other) return new Run(dir, run, options, screen).run();
  tellOther(other, dir, screen);
  return 1;
}

function tellOther(other: RunFile, dir: string, screen: Screen): void {
  screen.problem(`Beacon already runs here (pid ${other.pid}, since ${other.startedAt}).`);
  for (const { name, url } of other.services) screen.line(`    ${name.padEnd(10)} ${url}`);
  if (other.database !== '') screen.line(`    ${'database'.padEnd(10)} ${shownAddress(other.database)}`);
  screen.line(`    Stop it with Ctrl-C in its terminal or with: kill ${other.pid}`);
  screen.line(`    A second one needs a folder of its own: --dir <folder> (this one is ${dir}).`);
}
