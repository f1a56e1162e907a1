// What the page offers to copy works where it is pasted: the command line understands it, the MCP server has the tool.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { program } from '../../server/src/cli/program.ts';
import { paramsFrom } from '../../server/src/cli/verbs/query-verb.ts';
import { describeTool } from '../../server/src/mcp/tool.ts';
import { TOOLS, toolOf } from '../../server/src/mcp/tools.ts';
import type { Query } from '../../server/src/queries/query.ts';
import { QUERIES } from '../../server/src/registry.ts';
import { cliCommand, mcpCall } from '../src/ui/elsewhere.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const VALUES: Record<string, string> = { trace_id: TRACE, a: TRACE, b: TRACE, execution_id: '-7' };
const ALTERNATIVES = [
  ['execution_id', 'trace_id'],
  ['execution_a', 'a'],
  ['execution_b', 'b'],
];

/** Parameters of an operation, each with a value that is hard on a shell; one set for each of what exclude each other. */
function samples(query: Query): Record<string, string>[] {
  // A verb of its own, which the page asks without parameters.
  if (query.name === 'doctor') return [{}];
  const names = Object.keys(query.params.shape);
  // Where an argument may be either, only one can be given.
  const words = query.arguments.flatMap(({ params }) => Object.keys({ ...params('1'), ...params(TRACE) }));
  const pairs = ALTERNATIVES.filter((pair) => pair.every((name) => words.includes(name)));
  return (pairs.length > 0 ? [0, 1] : [0]).map((other) => {
    const kept = names.filter((name) => !pairs.some((pair) => pair[other] === name));
    return Object.fromEntries(kept.map((name) => [name, VALUES[name] ?? `it's "${name}" $HOME \`x\` *`]));
  });
}

/** Words of a command as a shell makes them. */
function inShell(command: string): string[] {
  const script = `set -- ${command}; for word; do printf '%s\\0' "$word"; done`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

test('each command is understood by a shell and the command line as it was meant', () => {
  for (const query of QUERIES.filter(({ name }) => name !== 'run-doctor')) {
    for (const sample of samples(query)) {
      const beacon = program([]);
      let found: Record<string, unknown> = {};
      const verb = beacon.commands.find((each) => each.name() === query.name);
      // Verbs of their own answer whole, and read files instead of their text.
      const lacks = (name: string) => !verb?.options.some(({ long }) => long === `--${name.replaceAll('_', '-')}`);
      const left = ['limit', 'questions_file'].filter(lacks);
      const params = Object.fromEntries(Object.entries(sample).filter(([name]) => !left.includes(name)));
      const command = cliCommand(query.name, params);
      verb?.action((...given) => {
        const args = given.slice(0, query.arguments.length);
        found = paramsFrom(query, given[query.arguments.length], args);
      });
      assert.doesNotThrow(() => beacon.parse(['node', ...inShell(command)]), command);
      assert.deepEqual(found, params, command);
    }
  }
});

test('each MCP call names the tool that answers it, with parameters it takes', () => {
  for (const query of QUERIES) {
    const call = mcpCall(query.name, samples(query)[0] as Record<string, string>);
    const { name, arguments: given } = call ? JSON.parse(call) : { name: undefined, arguments: {} };
    assert.equal(name, toolOf(query.name), query.name);
    const tool = TOOLS.find((each) => each.name === name);
    if (!tool) continue;
    const takes = Object.keys(describeTool(tool).inputSchema.properties ?? {});
    const unknown = Object.keys(given).filter((param) => !takes.includes(param) && !tool.hidden.includes(param));
    assert.deepEqual(unknown, [], query.name);
  }
});

test('every panel asks a query that exists', () => {
  const folder = path.join(import.meta.dirname, '../src');
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx'));
  const asked = files.flatMap((file) =>
    [...fs.readFileSync(path.join(folder, file), 'utf8').matchAll(/\bquery(?:="|: ')([\w-]+)/g)].map((m) => m[1]),
  );
  assert.ok(asked.length > 20, `${asked.length} panels`);
  const known = QUERIES.map(({ name }) => name);
  assert.deepEqual(
    asked.filter((name) => !known.includes(`${name}`)),
    [],
  );
});
