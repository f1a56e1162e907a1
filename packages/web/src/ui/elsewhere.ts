// The same question at another API.
import type { Params } from '../state/api.ts';

/** Queries whose MCP tool has their name. */
const SAME = 'compare-with-successful blast-radius critical-path dependencies job-matrix coverage doctor';

/** Tools of another name, that ask the query or say more than it does; what agents do not need has none. */
const TOOLS: Record<string, string> = {
  search: 'search_traces',
  spans: 'search_spans',
  trace: 'get_trace',
  waterfall: 'get_trace',
  outline: 'get_trace',
  span: 'get_span',
  diagnose: 'diagnose_execution',
  'unusual-spans': 'diagnose_execution',
  'root-cause': 'identify_root_cause',
  'timeout-root-cause': 'find_timeout_root_cause',
  similar: 'find_similar',
  compare: 'compare_traces',
  differences: 'what_is_different',
  findings: 'list_findings',
  services: 'list_services',
  operations: 'list_operations',
  jobs: 'list_jobs',
  answers: 'compare_answers',
  health: 'tracing_health',
  'attribute-keys': 'list_attributes',
  'attribute-values': 'list_attribute_values',
  schema: 'describe_schema',
  sql: 'query_sql',
};

/** Parameters the command line takes as words after the verb, in their order, and of which queries; all others are flags. */
const WORDS: [params: string[], queries: string][] = [
  [
    ['execution_id', 'trace_id'],
    'trace waterfall outline diagnose unusual-spans root-cause timeout-root-cause compare-with-successful compare-with-usual similar blast-radius critical-path outage-cost',
  ],
  [['trace_id', 'span_id'], 'span'],
  [['execution_a', 'a', 'execution_b', 'b'], 'compare'],
  [['job_id'], 'job-matrix job-cells job-differences job-costs answers job-validity rerun gate judge'],
  [['job_a', 'job_b'], 'compare-jobs job-comparison'],
  [['execution_id'], 'execution-answers receipts scores'],
  [['name'], 'make-alert silence-alert remove-alert'],
  [['target'], 'test-alert'],
  [['key'], 'attribute-values'],
  [['statement'], 'sql'],
];

/** `beacon search --q 'service=router'`. */
export function cliCommand(query: string, params: Params): string {
  const given = givenIn(params);
  const names = WORDS.find(([, queries]) => queries.split(' ').includes(query))?.[0] ?? [];
  const words = names.flatMap((name) => given.filter(([each]) => each === name)).map(([, value]) => String(value));
  const flags = given
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => `--${name.replace(/_id$/, '').replaceAll('_', '-')} ${quote(String(value))}`);
  // A parser of flags does not take -5 or -- for a word.
  const end = words.some((word) => word.startsWith('-')) ? ['--'] : [];
  return ['beacon', query, ...flags, ...end, ...words.map(quote)].join(' ');
}

/** What a client of the MCP server sends as parameters of `tools/call`; undefined where there is no tool. */
export function mcpCall(query: string, params: Params): string | undefined {
  const name = TOOLS[query] ?? (SAME.split(' ').includes(query) ? query.replaceAll('-', '_') : undefined);
  if (!name) return undefined;
  return JSON.stringify({ name, arguments: Object.fromEntries(givenIn(params)) }, null, 2);
}

function givenIn(params: Params) {
  return Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '');
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
