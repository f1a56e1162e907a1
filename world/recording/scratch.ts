// Where toolchains put what they install; kept between runs, and safe to delete.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/**
 * A folder that is filled once for each content of `sources`.
 *
 * @param fill Fills it; a folder whose filling failed is filled again.
 */
export function filledOnce(name: string, sources: string[], fill: (dir: string) => void): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(fs.readFileSync(source));
  const dir = path.join(
    os.tmpdir(),
    `beacon-world-${os.userInfo().username}`,
    `${name}-${hash.digest('hex').slice(0, 12)}`,
  );
  const done = path.join(dir, '.filled');
  if (!fs.existsSync(done)) {
    fs.rmSync(dir, { recursive: true, force: true });
    fs.mkdirSync(dir, { recursive: true });
    fill(dir);
    fs.writeFileSync(done, '');
  }
  return dir;
}

/** Runs a tool to its end. @throws Error with the end of its output when it fails. */
export function tool(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (${status}):\n${`${stdout}${stderr}`.slice(-3000)}`);
  return stdout;
}
