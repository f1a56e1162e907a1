// Every command that a document shows is one that works from the checkout, as it is written.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { run } from './run.ts';

const ROOT = path.join(import.meta.dirname, '../../../..');
const DOCUMENTS = [
  'README.md',
  'packages/tracer/README.md',
  ...fs.readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((file) => file.endsWith('.md'));
const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** Lines of the blocks without a language, which are for a shell; what follows a number sign is a comment. */
function commands(file: string): string[] {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```(?:sh|bash|shell)?\n(.*?)^```/gms)].flatMap(([, block]) =>
    block!
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/\s+#\s.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}

const all = DOCUMENTS.flatMap((file) => commands(file).map((line) => ({ file, line })));

test('no document runs a package that is not published, or another project’s', () => {
  for (const file of DOCUMENTS) {
    const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
    assert.doesNotMatch(text, /\bnpx (?:-y )?beacon\b|npm (?:i|install) (?:-g )?beacon\b/, file);
  }
  for (const { file, line } of all) {
    assert.doesNotMatch(line, /^(?:[A-Z_]+=\S+ )*beacon\b/, `${file}: ${line}`);
    assert.doesNotMatch(line, /^(?:npx|npm install)\b.*\s@project-beacon\//, `${file}: ${line}`);
  }
});

test('every script of npm that a document runs is there', () => {
  const named = all.flatMap(({ file, line }) =>
    [...line.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => ({ file, name: name! })),
  );
  assert.ok(named.length > 10);
  for (const { file, name } of named) assert.ok(name in scripts, `${file}: npm run ${name}`);
});

test('the commands of README and of the guides are taken as they are written', async () => {
  const { client, url } = await testDatabase();
  await draw(client, 'runner execution.run |==x| kind=consumer error=ECONNREFUSED region=us', {
    execution: 3,
    job: '1',
  });
  const asked = all.flatMap(({ file, line }) => {
    const words = /^(?:[A-Z_]+=\S+ )*npm run beacon -- (.*)$/.exec(line)?.[1];
    return words === undefined ? [] : [{ file, words }];
  });
  assert.ok(asked.length >= 10);
  for (const { file, words } of asked) {
    const args = [...words.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);
    // What goes on until it is ended, or starts others, is only parsed.
    const isLong = /^(?:serve|watch|mcp|maintain|doctor|preflight|status)$|--watch/.test(args[0]!);
    const { code, err, out } = await run(isLong ? [args[0]!, '--help'] : args, { DATABASE_URL: url });
    assert.ok(code !== 2 && !/unknown (?:command|option)/.test(err), `${file}: ${words}: ${err}`);
    if (!isLong) continue;
    for (const option of args.filter((word) => word.startsWith('--')))
      assert.ok(out.includes(option), `${file}: ${words}: ${option}`);
  }
});
