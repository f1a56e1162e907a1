// A fresh project as a user makes it: an empty folder, `npm install` from the registry, and the packed tarballs.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';

const ROOT = path.join(import.meta.dirname, '../..');

export interface Outcome {
  code: number | null;
  output: string;
}

export class Project {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-wild-'));

  write(file: string, text: string): void {
    fs.mkdirSync(path.dirname(path.join(this.dir, file)), { recursive: true });
    fs.writeFileSync(path.join(this.dir, file), text);
  }

  /** Runs a program in the project; standard error is in the output. */
  async run(program: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(program, args, {
      cwd: this.dir,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  /** Runs a file with this Node. */
  node(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
    return this.run(process.execPath, args, env);
  }

  /** Runs what a package has put into node_modules/.bin; it must succeed. */
  async bin(name: string, args: string[], env: Record<string, string> = {}): Promise<string> {
    const { code, output } = await this.run(path.join(this.dir, 'node_modules/.bin', name), args, env);
    assert.equal(code, 0, output);
    return output;
  }
}

/** Installs the tracer beside `packages`, without a flag that would hide a conflict. Call it at the top of the file. */
export async function project(packages: string[], manifest: object = {}): Promise<Project> {
  const made = new Project();
  after(() => fs.rmSync(made.dir, { recursive: true, force: true }));
  made.write('package.json', JSON.stringify({ name: 'wild', private: true, ...manifest }));
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs(), ...packages];
  const { code, output } = await made.run('npm', args);
  assert.equal(code, 0, `npm install ${packages.join(' ')}\n${output}`);
  return made;
}

let packed: string[] | undefined;

/** Of the writer and the tracer. */
function tarballs(): string[] {
  if (packed) return packed;
  const target = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tarballs-'));
  // Not `after`, which would belong to the test that happened to ask first.
  process.once('exit', () => fs.rmSync(target, { recursive: true, force: true }));
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts/pack.ts'), target], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  packed = stdout.split('\n').filter((file) => /-(?:writer|tracer)-/.test(file));
  return packed;
}

/** A program that makes two spans, one inside the other, and prints what became of them. */
export const WORK = `
async function main() {
  const tracer = await startTracing({ service: process.env.SERVICE, flag: 'true', shutdownBudgetMs: 20_000 });
  await tracer.withSpan('outer', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    tracer.withSpan('inner', () => {});
  });
  const { attachedTo, warnings } = tracer.health();
  await tracer.shutdown();
  console.log('HEALTH ' + JSON.stringify({ attachedTo, warnings, written: tracer.health().spansWritten }));
}
main();
`;

export interface Said {
  attachedTo: string | null;
  warnings: string[];
  written: number;
}

export function said({ output }: Outcome): Said {
  const line = output.split('\n').find((each) => each.startsWith('HEALTH '));
  assert.ok(line, output);
  return JSON.parse(line.slice('HEALTH '.length));
}
