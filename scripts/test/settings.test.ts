import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS } from '../docs/settings.ts';
import { read, sourceFiles } from '../sources.ts';

// `env.NAME`, `env['NAME']`, and the keys of the schemas the services read their environment with.
const READ = /\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/g;
const SCHEMA_KEY = /^ {2}([A-Z][A-Z0-9_]+): (?:z\b|count|milliseconds|port|pairs)/gm;
/** Read to hand it on, not as a setting. */
const PASSED_ON = ['PATH', 'NODE_OPTIONS', 'USER'];

test('the reference names exactly the environment variables that the sources read', () => {
  const sources = sourceFiles().filter((file) => /^(?:packages|services)\/[^/]+\/src\/.*\.ts$/.test(file));
  const found = sources.flatMap((file) =>
    [READ, ...(file.endsWith('/config.ts') ? [SCHEMA_KEY] : [])].flatMap((pattern) =>
      [...read(file).matchAll(pattern)].map((match) => `${match[1]}`),
    ),
  );
  const documented = Object.values(SETTINGS).flatMap((settings) => settings.map(({ name }) => name));
  const unique = (names: string[]) => [...new Set(names)].sort();
  assert.deepEqual(
    unique(found.filter((name) => !PASSED_ON.includes(name))),
    unique(documented.filter((name) => /^[A-Z_]+$/.test(name))),
  );
});
