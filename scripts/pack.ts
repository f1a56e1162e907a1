// `node scripts/run.mjs pack [folder]`: the tarballs of what is published, ready for `npm publish`. The sources run as
// they are here; what is published is JavaScript, because Node refuses to strip types below node_modules.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ROOT } from './sources.ts';

const PUBLISHED = ['writer', 'tracer', 'server'];

interface Manifest {
  name: string;
  version: string;
  bin?: Record<string, string>;
  exports: Record<string, string>;
  devDependencies?: Record<string, string>;
  [field: string]: unknown;
}

const target = path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'));
run(path.join(ROOT, 'node_modules/typescript/bin/tsc'), ['-b', ...PUBLISHED.map((name) => `packages/${name}`)], ROOT);
run(path.join(ROOT, 'packages/web/build.ts'), ['--if-stale'], ROOT);
fs.mkdirSync(target, { recursive: true });
const staging = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-pack-'));
try {
  for (const name of PUBLISHED) console.log(pack(name));
} finally {
  fs.rmSync(staging, { recursive: true, force: true });
}

/** Returns the path of the tarball. */
function pack(name: string): string {
  const source = path.join(ROOT, 'packages', name);
  const stage = path.join(staging, name);
  fs.cpSync(path.join(source, 'dist'), path.join(stage, 'dist'), {
    recursive: true,
    filter: (file) => !file.endsWith('.tsbuildinfo'),
  });
  const manifest = published(JSON.parse(fs.readFileSync(path.join(source, 'package.json'), 'utf8')));
  fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(stage, 'LICENSE'));
  const readme = [path.join(source, 'README.md'), path.join(ROOT, 'README.md')].find((file) => fs.existsSync(file));
  fs.copyFileSync(readme as string, path.join(stage, 'README.md'));
  if (name === 'server') {
    fs.cpSync(path.join(ROOT, 'sql'), path.join(stage, 'sql'), { recursive: true });
    fs.cpSync(path.join(ROOT, 'packages/web/dist'), path.join(stage, 'web'), { recursive: true });
  }
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', target], stage));
  return path.join(target, filename);
}

/** Paths lead to what tsc made; what only development needs is gone. */
function published({ devDependencies: _, exports, bin, ...manifest }: Manifest): Manifest {
  const built = (file: string) => file.replace('./src/', './dist/').replace(/\.ts$/, '.js');
  const entries = Object.entries(exports).map(([entry, file]) => {
    if (!file.endsWith('.ts')) return [entry, built(file)];
    return [entry, { types: built(file).replace(/\.js$/, '.d.ts'), default: built(file) }];
  });
  return {
    ...manifest,
    exports: Object.fromEntries(entries),
    ...(bin && { bin: Object.fromEntries(Object.entries(bin).map(([name, file]) => [name, built(file)])) }),
    publishConfig: { access: 'public' },
  } as Manifest;
}

function npm(args: string[], cwd: string): string {
  return run('npm', ['--loglevel=error', ...args], cwd);
}

function run(program: string, args: string[], cwd: string): string {
  const isScript = path.isAbsolute(program);
  const result = isScript
    ? spawnSync(process.execPath, [program, ...args], { cwd, encoding: 'utf8' })
    : spawnSync(program, args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status === 0) return result.stdout;
  throw new Error(`${program} ${args[0]} failed: ${result.error?.message ?? result.stdout + result.stderr}`);
}
