import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { read, sourceFiles } from '../sources.ts';

const MAX_LINES = 400;
// Made by a tool, text of others, or a table.
const GENERATED = [
  /^package-lock\.json$/,
  /^LICENSE$/,
  /^docs\/reference\//,
  /^docs\/.*\.svg$/,
  /^sql\/schema\.sql$/,
  /^world\/recordings\//,
  /^world\/stacks\/[^/]+\/failures\.json$/,
];
const TEXT = /\.(?:ts|tsx|mjs|js|sql|md|json|css|html|yml|yaml|sh)$|^\.ci\/run$|^LICENSE$/;
const texts = sourceFiles().filter((file) => TEXT.test(file));

test('no file is longer than 400 lines', () => {
  const long = texts
    .filter((file) => !GENERATED.some((pattern) => pattern.test(file)))
    .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(long, []);
});

test('the lock file has the hash of every package', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Record<string, unknown>> };
  const installed = Object.entries(packages).filter(([key, { link }]) => key.includes('node_modules/') && !link);
  assert.deepEqual(
    installed.filter(([, { integrity, inBundle }]) => !integrity && !inBundle).map(([key]) => key),
    [],
    'run node scripts/complete-lock.mjs',
  );
});

test('no folder is called common, core, shared or utils', () => {
  const vague = sourceFiles().filter((file) => /(?:^|\/)(?:common|core|shared|utils?|helpers|misc)\//.test(file));
  assert.deepEqual(vague, []);
});

test('no file holds what looks like a credential', () => {
  const found = texts.flatMap((file) => credentials(read(file)).map((text) => `${file}: ${text}`));
  assert.deepEqual(found, []);
});

test('what looks like a credential is recognised', () => {
  // Put together here, so that this file does not hold what it forbids.
  for (const text of [
    `AKIA${'ABCDEFGHIJKLMNOP'}`,
    `ghp_${'a'.repeat(36)}`,
    `sk-${'a1B2'.repeat(10)}`,
    `-----BEGIN ${'PRIVATE'} KEY-----`,
    `postgresql://app:${'Tr0ub4dor'}@db.example.org/app`,
    `xoxb-${'1234567890-abcdefghij'}`,
    `npm_${'a1'.repeat(18)}`,
  ]) {
    assert.equal(credentials(`const x = '${text}';`).length, 1, text);
  }
  for (const text of [
    'postgresql://app:secret@127.0.0.1/app',
    'postgres://user:****@host/db',
    `postgresql://b:${'$'}{p}@h/d`,
  ]) {
    assert.deepEqual(credentials(text), []);
  }
});

test('no file names a path of one machine', () => {
  const HOME = /(?<![\w.])\/(?:home|Users|work)\/\w+|(?<![\w./])\/root\/\w+|[A-Z]:\\\\?Users\\/g;
  const self = 'scripts/test/files.test.ts';
  const found = texts
    .filter((file) => file !== self)
    .flatMap((file) => [...read(file).matchAll(HOME)].map((match) => `${file}: ${match[0]}`));
  assert.deepEqual(found, []);
});

test('the lock file names no registry', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>;
  };
  const named = Object.entries(lock.packages).filter(([, entry]) => entry.resolved && !entry.link);
  assert.deepEqual(named, []);
});

test('every package has the version of the root', () => {
  const version = JSON.parse(read('package.json')).version;
  const files = sourceFiles();
  for (const file of files.filter((each) => /^(?:packages|services|testkit|bench|e2e).*package\.json$/.test(each))) {
    assert.equal(JSON.parse(read(file)).version, version, file);
  }
});

test('every link in the documents leads to a file', () => {
  const files = sourceFiles();
  const broken = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => path.posix.join(path.posix.dirname(file), `${match[1]}`))
        .filter((target) => !files.some((each) => each === target || each.startsWith(`${target.replace(/\/$/, '')}/`)))
        .map((target) => `${file} -> ${target}`),
    );
  assert.deepEqual(broken, []);
});

function credentials(text: string): string[] {
  return [...text.matchAll(CREDENTIAL)].map((match) => match[0]).filter((each) => !PLACEHOLDER.test(each));
}

const CREDENTIAL = new RegExp(
  [
    String.raw`\bAKIA[0-9A-Z]{16}\b`,
    String.raw`\bgh[pousr]_[A-Za-z0-9]{36,}\b`,
    String.raw`\bsk-[A-Za-z0-9_-]{32,}\b`,
    String.raw`\bnpm_[A-Za-z0-9]{36}\b`,
    String.raw`\bxox[abprs]-[A-Za-z0-9-]{10,}`,
    String.raw`\bAIza[0-9A-Za-z_-]{35}\b`,
    '-----BEGIN [A-Z ]*PRIVATE KEY-----',
    // A password in a connection string, unless it is put in at run time, or too short to be one.
    String.raw`\b(?:postgres(?:ql)?|https?|redis|amqp):\/\/[^\s:/@'"]+:[^\s@'"$*<{]{8,}@[^\s'"]+`,
  ].join('|'),
  'g',
);
// What documents and tests write where a password would stand.
const PLACEHOLDER = /:\/\/[^:]+:(?:secret|password|pass|pw|wrong|example|hunter2|s3cret|xxx+|\.\.\.|geheim)@/i;
