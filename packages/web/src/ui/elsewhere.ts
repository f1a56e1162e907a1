// The same question at another API.
import type { Params } from '../state/api.ts';

/** MCP tools by the operation they ask, or that says more than they do; what agents do not need has none. */
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
  'compare-with-successful': 'compare_with_successful',
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
  answers: 'compare_answers',
  coverage: 'coverage',
  doctor: 'doctor',
  health: 'tracing_health',
  'attribute-keys': 'list_attributes',
  'attribute-values': 'list_attribute_values',
  schema: 'describe_schema',
  sql: 'query_sql',
};

const EITHER = ['execution_id', 'trace_id'];

/** Parameters the command line takes as words after the verb, in their order; all others are flags. */
const WORDS: Record<string, string[]> = {
  trace: EITHER,
  waterfall: EITHER,
  outline: EITHER,
  span: ['trace_id', 'span_id'],
  diagnose: EITHER,
  'unusual-spans': EITHER,
  'root-cause': EITHER,
  'timeout-root-cause': EITHER,
  'compare-with-successful': EITHER,
  'compare-with-usual': EITHER,
  similar: EITHER,
  'blast-radius': EITHER,
  'critical-path': EITHER,
  compare: ['execution_a', 'a', 'execution_b', 'b'],
  'job-matrix': ['job_id'],
  'job-cells': ['job_id'],
  'job-differences': ['job_id'],
  'compare-jobs': ['job_a', 'job_b'],
  'job-comparison': ['job_a', 'job_b'],
  'job-costs': ['job_id'],
  answers: ['job_id'],
  'job-validity': ['job_id'],
  rerun: ['job_id'],
  'execution-answers': ['execution_id'],
  receipts: ['execution_id'],
  scores: ['execution_id'],
  'make-alert': ['name'],
  'silence-alert': ['name'],
  'remove-alert': ['name'],
  'test-alert': ['target'],
  'attribute-values': ['key'],
  sql: ['statement'],
};

/** `beacon search --q 'service=router'`. */
export function cliCommand(operation: string, params: Params): string {
  const given = givenIn(params);
  const names = WORDS[operation] ?? [];
  const words = names.flatMap((name) => given.filter(([each]) => each === name)).map(([, value]) => String(value));
  const flags = given
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => `--${name.replace(/_id$/, '').replaceAll('_', '-')} ${quote(String(value))}`);
  // A parser of flags does not take -5 or -- for a word.
  const end = words.some((word) => word.startsWith('-')) ? ['--'] : [];
  return ['beacon', operation, ...flags, ...end, ...words.map(quote)].join(' ');
}

/** What a client of the MCP server sends as parameters of `tools/call`; undefined where there is no tool. */
export function mcpCall(operation: string, params: Params): string | undefined {
  const name = TOOLS[operation];
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
