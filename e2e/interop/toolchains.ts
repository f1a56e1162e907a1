// Other languages' toolchains, and what the tests need of them, installed from their registries into a folder of their own.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');
export const POLYGLOT = path.join(ROOT, 'examples/polyglot');
/** Kept between runs: the second one installs nothing. */
const FOLDER = path.join(ROOT, '.beacon/interop');
const AGENT = '2.20.1';

export interface Toolchain {
  name: string;
  /** Programs that must be there. */
  programs: string[];
  /** Installs, and returns the program to run. @throws Error with what the installer said. */
  install(): string;
}

export const PYTHON: Toolchain = {
  name: 'Python',
  programs: ['python3'],
  install() {
    const python = path.join(FOLDER, 'python/bin/python');
    const requirements = path.join(POLYGLOT, 'requirements.txt');
    if (!fs.existsSync(python)) must('python3', ['-m', 'venv', path.join(FOLDER, 'python')]);
    must(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    return python;
  },
};

export const GO: Toolchain = {
  name: 'Go',
  programs: ['go'],
  install() {
    const runner = path.join(FOLDER, 'go-runner');
    must('go', ['build', '-o', runner, '.'], path.join(POLYGLOT, 'runner'));
    return runner;
  },
};

export const JAVA: Toolchain = {
  name: 'Java',
  programs: ['java', 'mvn'],
  install() {
    const jar = path.join(FOLDER, `opentelemetry-javaagent-${AGENT}.jar`);
    const artifact = `io.opentelemetry.javaagent:opentelemetry-javaagent:${AGENT}`;
    const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
    if (!fs.existsSync(jar)) must('mvn', ['-q', '-B', plugin, `-Dartifact=${artifact}`, `-DoutputDirectory=${FOLDER}`]);
    return jar;
  },
};

/** The first program that is missing; undefined when all are there. */
export function missing({ programs }: Toolchain): string | undefined {
  return programs.find((program) => spawnSync('which', [program]).status !== 0);
}

function must(program: string, args: string[], cwd?: string): void {
  fs.mkdirSync(FOLDER, { recursive: true });
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...(cwd && { cwd }) });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`);
}
