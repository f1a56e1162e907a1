// `npm run test:mcp`: the official conformance suite for MCP servers, which knows the revisions up to 2025-11-25, against
// /mcp of a real `beacon serve`. Revision 2026-07-28 is spoken with the official client in the tests of the server.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';

const ROOT = path.join(import.meta.dirname, '..');
const SUITE = path.join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const MAIN = path.join(ROOT, 'packages/server/src/main.ts');
const FIXTURE = 'asks for a fixture of its own that a product has no use for: ';
const NOTHING_UNASKED = 'the server never asks the client for anything, so the capability is not declared: ';

/** Scenarios that say nothing about this server, each with the reason; one that passes may not stand here. */
const NOT_APPLICABLE: Record<string, string> = {
  'logging-set-level': 'no log messages are sent to clients, so the capability is not declared',
  'tools-call-simple-text': `${FIXTURE}tool test_simple_text`,
  'tools-call-image': `${FIXTURE}tool test_image_content; no tool answers with images`,
  'tools-call-audio': `${FIXTURE}tool test_audio_content; no tool answers with sound`,
  'tools-call-embedded-resource': `${FIXTURE}tool test_embedded_resource`,
  'tools-call-mixed-content': `${FIXTURE}tool test_multiple_content_types`,
  'tools-call-with-logging': `${FIXTURE}tool test_tool_with_logging`,
  'tools-call-error': `${FIXTURE}tool test_error_handling; that errors come back as tool errors is in our own tests`,
  'tools-call-with-progress': `${FIXTURE}tool test_tool_with_progress; no call takes longer than its statement timeout`,
  'tools-call-sampling': `${NOTHING_UNASKED}sampling`,
  'tools-call-elicitation': `${NOTHING_UNASKED}elicitation`,
  'elicitation-sep1034-defaults': `${NOTHING_UNASKED}elicitation`,
  'elicitation-sep1330-enums': `${NOTHING_UNASKED}elicitation`,
  'json-schema-2020-12': `${FIXTURE}tool json_schema_2020_12_tool`,
  'server-sse-polling': `${FIXTURE}tool test_reconnection; without it the scenario checks nothing`,
  'server-sse-multiple-streams': 'there are no sessions, and without one the scenario checks nothing',
  'resources-read-text': `${FIXTURE}resource test://static-text; our resources are read in our own tests`,
  'resources-read-binary': `${FIXTURE}resource test://static-binary; there are no binary resources`,
  'resources-templates-read': `${FIXTURE}resource test://template/{id}/data; our templates are read in our own tests`,
  'resources-subscribe': 'resources change with the schema only, so subscribing is not declared',
  'resources-unsubscribe': 'resources change with the schema only, so subscribing is not declared',
  'prompts-get-simple': `${FIXTURE}prompt test_simple_prompt; our prompts are got in our own tests`,
  'prompts-get-with-args': `${FIXTURE}prompt test_prompt_with_arguments; our prompts are got in our own tests`,
  'prompts-get-embedded-resource': `${FIXTURE}prompt test_prompt_with_embedded_resource`,
  'prompts-get-with-image': `${FIXTURE}prompt test_prompt_with_image`,
};

const database = await migratedServer();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-conformance-'));
let server: ChildProcess | undefined;
try {
  server = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--no-otlp', '--no-jaeger'], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await portOf(server);
  const summary = await runSuite(`http://127.0.0.1:${port}/mcp`);
  process.exitCode = report(summary) ? 0 : 1;
} finally {
  if (server && server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await database.discard();
  fs.rmSync(folder, { recursive: true, force: true });
}

async function portOf({ stdout }: ChildProcess): Promise<number> {
  if (!stdout) throw new Error('The server has no output to read its port from.');
  for await (const line of readline.createInterface({ input: stdout })) {
    const said = JSON.parse(line) as { msg: string; port: number };
    if (said.msg !== 'listening') continue;
    stdout.resume();
    return said.port;
  }
  throw new Error('The server ended before it listened.');
}

interface Outcome {
  scenario: string;
  passed: number;
  failed: number;
}

/** Runs every scenario there is, also those that do not apply: one of them may have become applicable. */
async function runSuite(url: string): Promise<Outcome[]> {
  const suite = spawn(process.execPath, [SUITE, 'server', '--url', url, '--suite', 'all'], { cwd: folder });
  let out = '';
  for (const stream of [suite.stdout, suite.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk;
    });
  }
  await once(suite, 'close');
  const lines = out.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm);
  const outcomes = [...lines].map(([, scenario = '', passed, failed]) => ({
    scenario,
    passed: Number(passed),
    failed: Number(failed),
  }));
  if (outcomes.length === 0) throw new Error(`The suite printed no summary:\n${out}`);
  return outcomes;
}

/** Prints a line a scenario; false where one that applies does not pass, or the list is out of date. */
function report(outcomes: Outcome[]): boolean {
  const wrong: string[] = [];
  for (const { scenario, passed, failed } of outcomes) {
    const reason = NOT_APPLICABLE[scenario];
    const passes = failed === 0 && passed > 0;
    if (reason === undefined) {
      console.log(`${passes ? '✔' : '✖'} ${scenario}: ${passed} passed, ${failed} failed`);
      if (!passes) wrong.push(`${scenario} applies and does not pass.`);
    } else {
      console.log(`· ${scenario} does not apply: ${reason}`);
      if (passes) wrong.push(`${scenario} passes: take it out of the list of those that do not apply.`);
    }
  }
  const known = new Set(outcomes.map(({ scenario }) => scenario));
  for (const scenario of Object.keys(NOT_APPLICABLE)) {
    if (!known.has(scenario)) wrong.push(`${scenario} is listed as not applying, and the suite does not have it.`);
  }
  const applied = outcomes.filter(({ scenario }) => !(scenario in NOT_APPLICABLE)).length;
  console.log(`\n${applied} scenarios apply, ${outcomes.length - applied} do not.`);
  for (const sentence of wrong) console.log(`✖ ${sentence}`);
  return wrong.length === 0;
}
