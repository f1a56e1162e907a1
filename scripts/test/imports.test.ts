import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { importsOf, read, sourceFiles } from '../sources.ts';

// Which layer may import which, besides itself. A layer that is not named here may not exist.
const ARROWS: Record<string, string[]> = {
  writer: [],
  tracer: ['writer'],
  'server/store': ['writer'],
  // OTLP's messages, encoded and read back.
  'server/otlp': ['server/store'],
  'server/receivers': ['writer', 'server/store', 'server/otlp'],
  'server/filter': ['server/store'],
  // The writer's redactor, for what queries store.
  'server/queries': ['server/store', 'server/filter', 'writer'],
  'server/search': ['server/store', 'server/filter', 'server/queries'],
  'server/sql-console': ['server/store', 'server/queries'],
  'server/live': ['server/store', 'server/filter', 'server/queries'],
  // Every query, named once.
  'server/registry': ['server/queries', 'server/search', 'server/sql-console'],
  'server/maintenance': ['server/store', 'server/queries'],
  // Proofs of jobs.
  'server/manifest': ['server/store'],
  // Rules evaluated, and what they find sent.
  'server/alerts': ['server/maintenance', 'server/queries', 'server/store'],
  // The picture of a whole trace; knows the database alone, and the names of statuses and kinds.
  'server/layout': ['server/filter'],
  'server/version': [],
  // APIs: over the queries, never over each other.
  'server/http': [
    'server/version',
    'server/registry',
    'server/queries',
    'server/filter',
    'server/live',
    'server/store',
    'server/layout',
    'server/maintenance',
    'server/manifest',
    'server/otlp',
    'server/receivers',
  ],
  'server/compat': ['server/registry', 'server/queries', 'server/filter', 'server/store', 'server/otlp'],
  'server/mcp': ['server/version', 'server/registry', 'server/queries', 'server/store'],
  'server/cli': [
    'server/version',
    'server/registry',
    'server/queries',
    'server/filter',
    'server/live',
    'server/store',
    'server/maintenance',
    'server/preflight',
    'server/doctor',
    'server/manifest',
  ],
  'server/preflight': ['server/queries', 'server/store', 'server/doctor', 'writer'],
  'server/doctor': ['server/queries', 'server/search', 'server/store'],
  'server/start': ['server/queries', 'server/search', 'server/store', 'server/cli'],
  // Processes put together from several APIs; main adds their verbs to the command line.
  'server/serve': [
    'writer',
    'server/store',
    'server/cli',
    'server/http',
    'server/compat',
    'server/mcp',
    'server/maintenance',
    'server/alerts',
    'server/receivers',
  ],
  'server/main': ['server/*'],
  'server/beacon': ['server/*'],
  'server/index': ['server/queries', 'server/store'],
  // Types of the queries; of the grammar of filters, the parser itself.
  web: ['server/registry (types)', 'server/filter'],
  // The writer's redactor, for what it records of attempts.
  'services/runner': ['tracer', 'writer'],
  'services/router': ['tracer'],
  'services/inference': ['tracer'],
  testkit: ['server/store', 'writer'],
  tests: ['*'],
};

const PACKAGES: Record<string, string> = {
  '@project-beacon/writer': 'writer',
  '@project-beacon/tracer': 'tracer',
  '@project-beacon/server': 'server/index',
  '@project-beacon/server/store': 'server/store',
  '@project-beacon/server/registry.ts': 'server/registry',
  '@project-beacon/server/queries': 'server/queries',
  '@project-beacon/server/filter': 'server/filter',
  '@project-beacon/web': 'web',
  '@project-beacon/runner': 'services/runner',
  '@project-beacon/router': 'services/router',
  '@project-beacon/inference': 'services/inference',
  '@project-beacon/testkit': 'testkit',
};

/** Layer of a file of the repository, by its path. */
function layerOf(file: string): string {
  if (/^(?:scripts|bench|e2e|fixtures|world)\/|\/test\//.test(file)) return 'tests';
  const parts = file.split('/');
  if (parts[0] === 'testkit') return 'testkit';
  if (parts[0] === 'services') return `services/${parts[1]}`;
  if (parts[1] !== 'server') return `${parts[1]}`;
  return `server/${path.basename(`${parts[3]}`, '.ts')}`;
}

/** Layer a specifier leads to; `undefined` for packages that are not ours. */
function targetOf(specifier: string, file: string): string | undefined {
  if (specifier.startsWith('.')) return layerOf(path.posix.join(path.posix.dirname(file), specifier));
  const name = Object.keys(PACKAGES)
    .sort((a, b) => b.length - a.length)
    .find((known) => specifier === known || specifier.startsWith(`${known}/`));
  return name && PACKAGES[name];
}

/** Why an import is not allowed; `undefined` when it is. */
function objection(file: string, specifier: string, source = ''): string | undefined {
  const from = layerOf(file);
  const to = targetOf(specifier, file);
  if (to === undefined || from === to) return undefined;
  const allowed = ARROWS[from];
  if (!allowed) return `${file}: the layer ${from} is not in the map of arrows`;
  if (allowed.some((each) => each === '*' || each === to || (each === 'server/*' && to.startsWith('server/')))) {
    return undefined;
  }
  if (allowed.includes(`${to} (types)`) && !importsOf(withoutTypes(source)).includes(specifier)) return undefined;
  return `${file}: ${from} may not import ${to} (${specifier}); it may import ${allowed.join(', ') || 'nothing of ours'}`;
}

/** A source without what only its types import. */
function withoutTypes(source: string): string {
  return source.replace(/\b(?:import|export)\s+type\b[^;]*;/g, '');
}

test('every import follows the arrows of the architecture', () => {
  const files = sourceFiles().filter((file) => /\.(?:ts|tsx|mjs|js)$/.test(file));
  assert.ok(files.length > 10, 'the sources were found');
  const objections = files.flatMap((file) =>
    importsOf(read(file)).flatMap((each) => objection(file, each, read(file)) ?? []),
  );
  assert.deepEqual(objections, []);
});

test('no files import each other in a circle, but for types', () => {
  const files = new Set(sourceFiles().filter((file) => /\.tsx?$/.test(file) && layerOf(file) !== 'tests'));
  const next = (file: string) =>
    importsOf(withoutTypes(read(file)))
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => path.posix.join(path.posix.dirname(file), specifier))
      .filter((target) => files.has(target));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: string[]) => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
    if (done.has(file) || trail.includes(file)) return;
    for (const target of next(file)) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
});

test('an import in any spelling is seen, and one in a comment or a text is not', () => {
  const source = [
    `import a from 'a';`,
    `import type { B } from "b";`,
    `import {\n  c,\n  type C,\n} from 'c';`,
    `import * as d from 'd';`,
    `import e, { f } from 'e';`,
    `export { g } from 'g';`,
    `export * from 'h';`,
    `import 'i';`,
    `const j = await import('j');`,
    `let k: import('k').K;`,
    `// import x from 'x1';`,
    `/* import x from 'x2'; */`,
    'const text = `import x from "x3"`;',
  ].join('\n');
  assert.deepEqual(importsOf(source), ['a', 'b', 'c', 'd', 'e', 'g', 'h', 'i', 'j', 'k']);
});

test('a forbidden arrow is objected to, whether it is a path or a package', () => {
  assert.match(`${objection('packages/writer/src/a.ts', '@project-beacon/server')}`, /writer may not import server/);
  assert.match(
    `${objection('packages/server/src/store/a.ts', '../cli/b.ts')}`,
    /server\/store may not import server\/cli/,
  );
  assert.match(`${objection('services/router/src/a.ts', '@project-beacon/writer')}`, /may import tracer/);
  assert.match(`${objection('packages/tracer/src/a.ts', '@project-beacon/testkit')}`, /tracer may not import testkit/);
  const rows = '@project-beacon/server/registry.ts';
  assert.equal(objection('packages/web/src/a.ts', rows, `import type { Row } from '${rows}';`), undefined);
  assert.match(`${objection('packages/web/src/a.ts', rows, `import { Row } from '${rows}';`)}`, /web may not import/);
  assert.equal(objection('packages/server/src/http/a.ts', '../queries/b.ts'), undefined);
  assert.equal(objection('services/runner/src/a.ts', 'fastify'), undefined);
});
