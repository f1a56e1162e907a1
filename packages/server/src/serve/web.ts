// The web interface is built when the server starts from the source tree and its sources have changed.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';

const BUILD = path.join(import.meta.dirname, '../../../web/build.ts');

/** Takes some tenths of a second when there is something to build. A failure is said; the server starts all the same. */
export async function buildStaleWeb(warn: (message: string) => void): Promise<void> {
  if (!fs.existsSync(BUILD)) return;
  try {
    await promisify(execFile)(process.execPath, [BUILD, '--if-stale']);
  } catch (error) {
    warn(`The web interface could not be built: ${(error as { stderr?: string }).stderr || (error as Error).message}`);
  }
}
