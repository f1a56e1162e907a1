// Does an agent that knows nothing but MCP find the cause of a failure? A scripted one, which chooses tools by the words of
// their descriptions alone, is told "an execution of job X failed" twenty times. Run: npm run bench:agent
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { draw } from '@project-beacon/testkit';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import pg from 'pg';
import { FAILURES } from './agent/failures.ts';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');
const MAX_CALLS = 3;
const MAX_TOKENS = 6_000;

interface Tool {
  name: string;
  description: string;
  inputSchema: { properties: Record<string, { description?: string; enum?: string[] }>; required?: string[] };
}

interface Answer {
  text: string;
  structured: Record<string, unknown>;
}

class Agent {
  readonly #url: string;
  readonly #tools: Tool[];
  calls = 0;
  /** About four characters a token, of everything that was read. */
  tokens = 0;

  constructor(url: string, tools: Tool[]) {
    this.#url = url;
    this.#tools = tools;
  }

  static async tools(url: string): Promise<Tool[]> {
    const { tools } = (await ask(url, 'tools/list', {})) as { tools: Tool[] };
    return tools;
  }

  /** The tool whose description has most of the words, the first of equals, among those that take these parameters. */
  choose(words: string[], params: string[]): Tool {
    const score = ({ description, name }: Tool) =>
      words.filter((word) => `${name} ${description}`.toLowerCase().includes(word)).length;
    const able = this.#tools.filter(
      ({ inputSchema: { properties, required = [] } }) =>
        params.every((param) => param in properties) && required.every((param) => params.includes(param)),
    );
    const [best] = able.toSorted((a, b) => score(b) - score(a));
    if (!best) throw new Error(`No tool takes ${params.join(', ')}.`);
    return best;
  }

  async call(tool: Tool, given: Record<string, unknown>): Promise<Answer> {
    const { content, structuredContent } = (await ask(this.#url, 'tools/call', {
      name: tool.name,
      arguments: given,
    })) as { content: Array<{ text: string }>; structuredContent: Record<string, unknown> };
    const text = content.map((part) => part.text).join('\n');
    this.calls += 1;
    this.tokens += Math.ceil((text.length + JSON.stringify(structuredContent ?? null).length) / 4);
    return { text, structured: structuredContent ?? {} };
  }

  /** From "an execution of this job failed" to what the answer calls a cause. */
  async investigate(job: string): Promise<{ type: string; service: string } | undefined> {
    const search = this.choose(['finds', 'traces', 'status=failed'], ['job_id', 'status']);
    const { structured } = await this.call(search, { job_id: job, status: 'failed' });
    const rows = withCommon(structured);
    const execution = rows[0]?.execution_id;
    if (execution === undefined) return undefined;
    const diagnose = this.choose(['start here', 'failed', 'root cause', 'execution'], ['execution_id']);
    const verdict = await this.call(diagnose, { execution_id: String(execution) });
    const causes = (verdict.structured.causes ?? verdict.structured.rows ?? []) as Array<Record<string, unknown>>;
    const cause = causes.find(({ role }) => role === 'cause');
    return cause && { type: String(cause.type), service: String(cause.service) };
  }
}

function withCommon({ rows, common }: Record<string, unknown>): Array<Record<string, unknown>> {
  return ((rows ?? []) as Array<Record<string, unknown>>).map((row) => ({ ...(common as object), ...row }));
}

let id = 0;

async function ask(url: string, method: string, params: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
  });
  const text = await response.text();
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  const { result, error } = JSON.parse(data) as { result?: unknown; error?: { message: string } };
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
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

const database = await migratedServer();
let server: ChildProcess | undefined;
try {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('set search_path = "$user", public, beacon');
  for (const [i, { picture }] of FAILURES.entries()) {
    const at = new Date(Date.now() - 3_000_000 + i * 120_000);
    await draw(client, picture, { execution: 100 + i, job: `job-${i}`, at });
    // The others of the job went well.
    for (const more of [1, 2]) {
      const healthy =
        'runner execution.run |====| kind=consumer\n  router POST | == | kind=client peer.service=provider';
      await draw(client, healthy, {
        execution: 1_000 * more + i,
        job: `job-${i}`,
        at: new Date(at.getTime() - more * 5_000),
      });
    }
  }
  await client.end();
  server = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--no-otlp', '--no-jaeger'], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = `http://127.0.0.1:${await portOf(server)}/mcp`;
  const tools = await Agent.tools(url);
  const results: Array<{ expected: string; said: string; calls: number; tokens: number }> = [];
  for (const [i, { type, service }] of FAILURES.entries()) {
    const agent = new Agent(url, tools);
    const found = await agent.investigate(`job-${i}`);
    const said = found ? `${found.type} in ${found.service}` : 'nothing';
    results.push({ expected: `${type} in ${service}`, said, calls: agent.calls, tokens: agent.tokens });
  }
  const right = results.filter(({ expected, said }) => expected === said);
  for (const { expected, said, calls, tokens } of results) {
    const mark = expected === said ? '✔' : '✖';
    console.log(
      `${mark} ${expected.padEnd(42)} ${calls} calls ${String(tokens).padStart(5)} tokens${expected === said ? '' : `  said ${said}`}`,
    );
  }
  const sorted = results.map(({ tokens }) => tokens).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const calls = Math.max(...results.map((each) => each.calls));
  console.log(
    `\n${right.length} of ${results.length} right; calls: at most ${calls} (target ${MAX_CALLS}); tokens: median ${at(0.5)}, p95 ${at(0.95)}, most ${sorted.at(-1)} (target ${MAX_TOKENS})`,
  );
  if (right.length < results.length || calls > MAX_CALLS || (sorted.at(-1) ?? 0) > MAX_TOKENS) process.exitCode = 1;
} finally {
  if (server && server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await database.discard();
}
