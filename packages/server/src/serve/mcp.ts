// `beacon mcp`: the MCP server over stdin and stdout, for a client that starts it as its child.
import type { Command } from 'commander';
import { findReadDatabase } from '../cli/database.ts';
import { action, type VerbOptions, verb } from '../cli/verb.ts';
import { openForReading } from '../store/replica.ts';

export function mcpCommand(): Command {
  return verb(
    'mcp',
    'MCP server over stdin and stdout, for an LLM client; over HTTP it is /mcp of `beacon serve`.',
  ).action(action(serveStdio));
}

/** Only the protocol goes to stdout; whatever else there is to say goes to stderr. */
async function serveStdio(options: VerbOptions): Promise<number> {
  const [{ serveStdio: serveProtocol }, { mcpServer }] = await Promise.all([
    import('@modelcontextprotocol/server/stdio'),
    import('../mcp/server.ts'),
  ]);
  const { pool, end } = openForReading(findReadDatabase(options.databaseUrl), {
    applicationName: 'beacon mcp',
    max: 3,
  });
  const warn = (message: string) => process.stderr.write(`${message}\n`);
  const server = serveProtocol(() => mcpServer({ pool, warn }), { onerror: (error) => warn(`MCP: ${error.message}`) });
  await new Promise<void>((resolve) => {
    // The client ends the session by closing our stdin.
    process.stdin.once('end', resolve);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.close();
  await end();
  return 0;
}
