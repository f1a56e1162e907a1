// `node scripts/run.mjs pack [folder]`: the tarballs of what is published, ready for `npm publish`. The sources run as
// they are here; what is published is JavaScript, because Node refuses to strip types below node_modules.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { ROOT } from './sources.ts';

const PUBLISHED = ['writer', 'tracer', 'server'];
// What applications install, and load with `require` as well: Jest, bundlers and TypeScript's older resolutions do.
const FOR_APPLICATIONS = ['writer', 'tracer'];
// The OpenTelemetry SDK goes into this one file, so that no application has to install one that fits its own.
const WITH_SDK = 'own-provider.js';

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
  if (name === 'tracer') enclose(path.join(stage, 'dist', WITH_SDK));
  const described = JSON.parse(fs.readFileSync(path.join(source, 'package.json'), 'utf8')) as Manifest;
  const manifest = published(described, FOR_APPLICATIONS.includes(name));
  if (FOR_APPLICATIONS.includes(name)) addCommonJs(path.join(stage, 'dist'), described);
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

/** Puts the packages a file imports into it; the API stays outside, because a process must have one only. */
function enclose(file: string): void {
  const sdk = JSON.parse(
    fs.readFileSync(path.join(ROOT, 'node_modules/@opentelemetry/sdk-trace/package.json'), 'utf8'),
  );
  const notice = `OpenTelemetry JavaScript SDK ${sdk.version}, Copyright The OpenTelemetry Authors, Apache-2.0 (LICENSE)`;
  bundle({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    format: 'esm',
    external: ['@opentelemetry/api'],
    banner: { js: `/*! Contains ${notice}. */` },
  });
}

/** The same a second time, one file an entry, beside declarations that TypeScript takes for CommonJS. */
function addCommonJs(dist: string, { exports }: Manifest): void {
  const target = path.join(dist, 'cjs');
  const entryPoints = Object.values(exports).map((file) => path.join(path.dirname(dist), built(file)));
  bundle({ entryPoints, outdir: target, format: 'cjs', packages: 'external' });
  fs.writeFileSync(path.join(target, 'package.json'), '{ "type": "commonjs" }\n');
  const files = fs.readdirSync(dist, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((each) => each.endsWith('.d.ts') && !each.startsWith('cjs'))) {
    fs.mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    fs.copyFileSync(path.join(dist, file), path.join(target, file));
  }
}

function bundle(options: BuildOptions): void {
  const nodePaths = [path.join(ROOT, 'node_modules')];
  buildSync({ bundle: true, platform: 'node', target: 'node22', logLevel: 'warning', nodePaths, ...options });
}

function built(file: string, folder = './dist/'): string {
  return file.replace('./src/', folder).replace(/\.ts$/, '.js');
}

function builtCommonJs(file: string): string {
  return built(file, './dist/cjs/');
}

function typed(file: string) {
  return { types: file.replace(/\.js$/, '.d.ts'), default: file };
}

/** Paths lead to what tsc made; what only development needs is gone. */
function published({ devDependencies: _, exports, bin, ...manifest }: Manifest, forApplications: boolean): object {
  const entries = Object.entries(exports).map(([entry, file]) => {
    if (!file.endsWith('.ts')) return [entry, built(file)];
    if (!forApplications) return [entry, typed(built(file))];
    return [entry, { import: typed(built(file)), require: typed(builtCommonJs(file)) }];
  });
  return {
    ...manifest,
    ...(forApplications && withoutExports(exports)),
    exports: Object.fromEntries(entries),
    ...(bin && { bin: Object.fromEntries(Object.entries(bin).map(([name, file]) => [name, built(file)])) }),
    publishConfig: { access: 'public' },
  };
}

/** For what does not read `exports`, as TypeScript's moduleResolution node10. */
function withoutExports({ '.': main, ...others }: Record<string, string>): object {
  const entry = typed(builtCommonJs(main as string));
  const paths = Object.entries(others).map(([name, file]) => [
    name.replace('./', ''),
    [typed(builtCommonJs(file)).types],
  ]);
  return {
    main: entry.default,
    types: entry.types,
    ...(paths.length > 0 && { typesVersions: { '*': Object.fromEntries(paths) } }),
  };
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
