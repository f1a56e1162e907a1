// Builds the user interface into dist/: one page, hashed files, one chunk a page. `--if-stale` builds only when a source has
// changed since; `--check` fails when what a browser loads is larger than agreed.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const HERE = import.meta.dirname;
const SRC = path.join(HERE, 'src');
const DIST = path.join(HERE, 'dist');
const STAMP = path.join(DIST, 'built.json');
const LIMIT = { first: 60_000, all: 128_000 };

interface Sizes {
  /** Bytes, gzip -9, of what the first page loads before anything is clicked. */
  first: number;
  /** Bytes, gzip -9, of everything. */
  all: number;
  /** The same a file. */
  files: Record<string, number>;
}

const asked = new Set(process.argv.slice(2));
const { sizes, built } = await buildWeb();
if (asked.has('--check')) check(sizes);
else if (built) console.log(`Built packages/web: ${kb(sizes.first)} kB gz first, ${kb(sizes.all)} kB gz in all.`);

async function buildWeb(): Promise<{ sizes: Sizes; built: boolean }> {
  const sources = hashOf(sourceFiles());
  if (asked.has('--if-stale') && fs.existsSync(STAMP)) {
    const stamp = JSON.parse(fs.readFileSync(STAMP, 'utf8')) as { sources: string; sizes: Sizes };
    if (stamp.sources === sources) return { sizes: stamp.sizes, built: false };
  }
  const workers: esbuild.OutputFile[] = [];
  const result = await esbuild.build({
    ...options(),
    entryPoints: [path.join(SRC, 'main.tsx')],
    splitting: true,
    metafile: true,
    plugins: [workerPlugin(workers)],
  });
  const files = new Map<string, Uint8Array>();
  for (const file of [...result.outputFiles, ...workers]) files.set(path.relative(DIST, file.path), file.contents);
  const first = firstLoad(result.metafile);
  files.set('index.html', Buffer.from(page(first)));
  const sizes = measure(files, first);
  publish(files, JSON.stringify({ sources, sizes }, null, 2));
  return { sizes, built: true };
}

function options() {
  return {
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outdir: DIST,
    entryNames: '[name]-[hash]',
    chunkNames: 'chunk-[name]-[hash]',
    write: false,
    logLevel: 'warning',
    legalComments: 'none',
  } as const satisfies esbuild.BuildOptions;
}

/** `import url from './x.worker.ts?worker'`: the worker is a bundle of its own, the import is its address. */
function workerPlugin(outputs: esbuild.OutputFile[]): esbuild.Plugin {
  return {
    name: 'worker',
    setup(build) {
      build.onResolve({ filter: /\?worker$/ }, ({ path: specifier, resolveDir }) => ({
        path: path.join(resolveDir, specifier.replace(/\?worker$/, '')),
        namespace: 'worker',
      }));
      build.onLoad({ filter: /.*/, namespace: 'worker' }, async (file) => {
        const { outputFiles } = await esbuild.build({ ...options(), entryPoints: [file.path] });
        outputs.push(...outputFiles);
        return { contents: `/${path.basename(outputFiles[0]?.path ?? '')}`, loader: 'text', watchFiles: [file.path] };
      });
    },
  };
}

/** The entry, and what it imports statically, scripts and styles. */
function firstLoad({ outputs }: esbuild.Metafile): string[] {
  const isEntry = (file: string) => outputs[file]?.entryPoint?.endsWith('main.tsx') === true;
  const found = new Set<string>();
  const visit = (file: string) => {
    if (found.has(file)) return;
    found.add(file);
    for (const each of outputs[file]?.imports ?? []) if (each.kind === 'import-statement') visit(each.path);
    const css = outputs[file]?.cssBundle;
    if (css) found.add(css);
  };
  Object.keys(outputs).filter(isEntry).forEach(visit);
  return [...found].map((file) => path.basename(file));
}

function page(first: string[]): string {
  const tags = first.map((file) => {
    if (file.endsWith('.css')) return `<link rel="stylesheet" href="/${file}" />`;
    if (file.startsWith('main')) return `<script type="module" src="/${file}"></script>`;
    return `<link rel="modulepreload" href="/${file}" />`;
  });
  return fs
    .readFileSync(path.join(SRC, 'index.html'), 'utf8')
    .replace('<!-- styles and scripts -->', tags.join('\n    '));
}

function measure(files: Map<string, Uint8Array>, first: string[]): Sizes {
  const bytes = Object.fromEntries([...files].map(([name, data]) => [name, gzipSync(data, { level: 9 }).length]));
  const sum = (names: string[]) => names.reduce((total, name) => total + (bytes[name] ?? 0), 0);
  return { first: sum([...first, 'index.html']), all: sum(Object.keys(bytes)), files: bytes };
}

/** Several processes may build at once: each file appears whole, the page that names them last. */
function publish(files: Map<string, Uint8Array>, stamp: string): void {
  fs.mkdirSync(DIST, { recursive: true });
  const put = (name: string, data: Uint8Array | string) => {
    const aside = path.join(DIST, `.${name}.${process.pid}`);
    fs.writeFileSync(aside, data);
    fs.renameSync(aside, path.join(DIST, name));
  };
  for (const [name, data] of files) if (name !== 'index.html') put(name, data);
  put('index.html', files.get('index.html') ?? '');
  put('built.json', stamp);
  const kept = new Set([...files.keys(), 'built.json']);
  for (const name of fs.readdirSync(DIST)) {
    if (!kept.has(name) && !name.startsWith('.')) fs.rmSync(path.join(DIST, name), { force: true });
  }
}

function check(sizes: Sizes): void {
  for (const [name, size] of Object.entries(sizes.files).sort(([, a], [, b]) => b - a)) {
    console.log(`${kb(size).padStart(8)} kB gz  ${name}`);
  }
  console.log(
    `first load ${kb(sizes.first)} of ${kb(LIMIT.first)} kB gz, all ${kb(sizes.all)} of ${kb(LIMIT.all)} kB gz`,
  );
  if (sizes.first > LIMIT.first || sizes.all > LIMIT.all) process.exitCode = 1;
}

function sourceFiles(): string[] {
  const below = fs.readdirSync(SRC, { recursive: true, withFileTypes: true });
  const files = below.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return [...files, import.meta.filename, path.join(HERE, 'package.json')].sort();
}

function hashOf(files: string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(path.relative(HERE, file)).update('\0').update(fs.readFileSync(file));
  return hash.digest('hex');
}

function kb(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
