// The same question at another door.
import type { Params } from '../state/api.ts';

/** MCP tools by the operation they ask; what agents do not need has none. */
const TOOLS: Record<string, string> = {
  search: 'search_traces',
  spans: 'search_spans',
  trace: 'get_trace',
  span: 'get_span',
  diagnose: 'diagnose_execution',
  'root-cause': 'identify_root_cause',
  similar: 'find_similar',
  'blast-radius': 'blast_radius',
  'critical-path': 'critical_path',
  compare: 'compare_traces',
  differences: 'what_is_different',
  findings: 'list_findings',
  services: 'list_services',
  operations: 'list_operations',
  dependencies: 'dependencies',
  jobs: 'list_jobs',
  'job-matrix': 'job_matrix',
  coverage: 'coverage',
  doctor: 'doctor',
  health: 'tracing_health',
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

/** What a client of the MCP server sends as parameters of `tools/call`; undefined where there is no tool. */
export function mcpCall(operation: string, params: Params): string | undefined {
  const name = TOOLS[operation];
  if (!name) return undefined;
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return JSON.stringify({ name, arguments: Object.fromEntries(given) }, null, 2);
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
