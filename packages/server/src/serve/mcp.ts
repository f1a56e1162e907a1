// `beacon mcp`: the MCP server over stdin and stdout, for a client that starts it as its child.
import type { Command } from 'commander';
import { findDatabase } from '../cli/database.ts';
import { action, type VerbOptions, verb } from '../cli/verb.ts';
import { createPool } from '../store/connect.ts';

export function mcpCommand(): Command {
  return verb(
    'mcp',
    'MCP server over stdin and stdout, for an LLM client; over HTTP it is /mcp of `beacon serve`.',
  ).action(action(serveStdio));
}

/** Only the protocol goes to stdout; whatever else there is to say goes to stderr. */
async function serveStdio(options: VerbOptions): Promise<number> {
  const [{ StdioServerTransport }, { mcpServer }] = await Promise.all([
    import('@modelcontextprotocol/sdk/server/stdio.js'),
    import('../mcp/server.ts'),
  ]);
  const { url } = findDatabase(options.databaseUrl);
  const pool = createPool(url, { applicationName: 'beacon mcp', max: 3 });
  const server = mcpServer({ pool, warn: (message) => process.stderr.write(`${message}\n`) });
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
    // The client ends the session by closing our stdin.
    process.stdin.once('end', resolve);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.connect(new StdioServerTransport());
  await closed;
  await server.close();
  await pool.end();
  return 0;
}
