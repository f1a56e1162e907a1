// The same question at another door.
import type { Params } from '../state/api.ts';

/** MCP tools that are named otherwise than their operation in snake_case. */
const TOOLS: Record<string, string> = {
  search: 'search_traces',
  trace: 'get_trace',
  span: 'get_span',
  diagnose: 'diagnose_execution',
  'root-cause': 'identify_root_cause',
  similar: 'find_similar',
  sql: 'query_sql',
};

/** Parameters the command line takes as words after the verb. */
const WORDS = ['execution_id', 'trace_id'];

/** `beacon search --q 'service=router'`. */
export function cliCommand(operation: string, params: Params): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const words = given.filter(([name]) => WORDS.includes(name)).map(([, value]) => quote(String(value)));
  const flags = given
    .filter(([name]) => !WORDS.includes(name))
    .map(([name, value]) => `--${name.replace(/_id$/, '').replaceAll('_', '-')} ${quote(String(value))}`);
  return ['beacon', operation, ...words, ...flags].join(' ');
}

/** What a client of the MCP server sends as parameters of `tools/call`. */
export function mcpCall(operation: string, params: Params): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const name = TOOLS[operation] ?? operation.replaceAll('-', '_');
  return JSON.stringify({ name, arguments: Object.fromEntries(given) }, null, 2);
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
