// Which queries a model gets as tools, under which names, and in which words.
import type { Query } from '../queries/query.ts';
import { QUERIES } from '../registry.ts';
import type { Row } from '../store/values.ts';
import { schemaLines, schemaRows } from './schema-text.ts';
import { tableLines } from './table.ts';
import { causeLines, outlineLines, unusualLines } from './trace-text.ts';

export interface Tool {
  name: string;
  title: string;
  /** For a model that has to choose: when to call it, what comes back. */
  description: string;
  query: Query;
  /** Answered before, from the same parameters, under this key. */
  first?: { key: string; query: Query; lines: (rows: Row[]) => string[] };
  lines: (rows: Row[]) => string[];
  /** The rows in fewer words, where what is worth telling depends on how many there are. */
  shape?: (rows: Row[]) => Row[];
  /** Parameters a model does not get. */
  hidden: readonly string[];
  /** Whether it only reads; a query may be POST for another reason. */
  readOnly: boolean;
  /** Whether a model writes the SQL, so that errors may hold values from the tables. */
  readsSql: boolean;
  /** Said instead of a table without rows. */
  none: string;
  /** Columns left out, because others say the same to a model. */
  omit: readonly string[];
  /** Rows an answer of the usual size holds; a larger one is asked for more. The default of the query where it says nothing. */
  limit?: number;
  /** Whether fewer rows are a different choice of rows, so that the question is asked again for as many as fit. */
  refits: boolean;
  /** Which call gets what did not fit. */
  rest?: string;
}

interface Entry extends Partial<Omit<Tool, 'query' | 'first'>> {
  /** Name of the query. */
  of: string;
  name: string;
  description: string;
  first?: { key: string; of: string; lines: (rows: Row[]) => string[] };
}

const ENTRIES: Entry[] = [
  {
    name: 'diagnose_execution',
    of: 'unusual-spans',
    first: { key: 'causes', of: 'root-cause', lines: causeLines },
    lines: unusualLines,
    omit: ['share_pct', 'error_message'],
    rest: 'get_trace shows the shape of the whole trace, identify_root_cause the causes with all their evidence.',
    description:
      'Start here when an execution failed or was slow. Root causes (ranked, with evidence and what to do), then its telling spans: failed, on the critical path, or unusual against the baseline of other executions.',
  },
  {
    name: 'identify_root_cause',
    of: 'root-cause',
    lines: causeLines,
    rest: 'get_span shows the spans named as evidence.',
    description:
      'Ranked root causes of one execution: type, role (cause, or remark: it did not decide the outcome), service, confidence 0 to 1, evidence, counter-evidence, recommendation, span ids. No cause: healthy. UNTRACED: it has no spans, and why. UNKNOWN: no diagnosis explains it.',
  },
  {
    name: 'find_timeout_root_cause',
    of: 'timeout-root-cause',
    none: 'No call of this execution timed out.',
    description:
      'For an execution in which something timed out: who gave up on whom after how long, what became of the callee, which operation behind it took the time and what it usually takes, and the verdict.',
  },
  {
    name: 'compare_with_successful',
    of: 'compare-with-successful',
    rest: 'compare_traces with trace_id and successful_trace_id has all spans, the equal ones too.',
    description:
      'How an execution differs from the most similar one that worked (same operation, model and region where there is one): spans missing, added, slower, or ended differently.',
  },
  {
    name: 'find_similar',
    of: 'similar',
    limit: 5,
    description:
      'Other executions that failed (or worked) most like this one, with similarity 0 to 1 and what differs. Tells a pattern from a single case.',
  },
  {
    name: 'blast_radius',
    of: 'blast-radius',
    none: 'No other execution was hit within an hour.',
    description: 'Which other executions within an hour were hit by the same root cause as this one.',
  },
  {
    name: 'search_traces',
    of: 'search',
    limit: 10,
    omit: ['completed_at', 'open_count'],
    description:
      'Finds traces, newest first. q: terms that must all hold on one span, e.g. `service=router status=failed duration>2s http.response.status_code>=500 has:error.type "some words"`; operators = != > >= < <= ~ (contains); any span or resource attribute may be a key.',
  },
  {
    name: 'search_spans',
    of: 'spans',
    limit: 10,
    description:
      'Single spans that match the same filter language as search_traces, when the span itself is wanted and not its trace.',
  },
  {
    name: 'get_trace',
    of: 'outline',
    lines: outlineLines,
    omit: ['depth', 'total_ms'],
    limit: 18,
    refits: true,
    rest: 'What has no line is counted below its nearest ancestor; get_span shows a span with its attributes, query_sql any of them.',
    description:
      'Outline of a trace (by trace_id, or the newest of execution_id), however large: roots, failures, the critical path and the most work keep their lines, repeated siblings are folded (×n), what is hidden is counted. Then get_span for details.',
  },
  {
    name: 'get_span',
    of: 'span',
    omit: ['peer_histogram', 'trace_flags', 'created_at', 'tracer_id', 'completed_at'],
    description:
      'One span with all it carries: attributes, events, logs, links, resource, and how its duration compares with its peers.',
  },
  {
    name: 'critical_path',
    of: 'critical-path',
    description: 'The chain of work that decided how long a trace took, in order of time, with the share of each step.',
  },
  {
    name: 'compare_traces',
    of: 'compare',
    description:
      'Two traces (or executions) side by side, span by span: same, status, slower, faster, missing (only in a), added (only in b).',
  },
  {
    name: 'what_is_different',
    of: 'differences',
    description:
      'Which attribute values set a selection of spans (a box in time and duration) apart from all others that match q: counted over all of them. For "what do the slow or failing ones have in common?".',
  },
  {
    name: 'list_findings',
    of: 'findings',
    limit: 10,
    description:
      'What has been going wrong in a stretch of time: causes ranked by the executions they hit, each with an example execution.',
  },
  {
    name: 'list_services',
    of: 'services',
    omit: ['color'],
    description: 'Services with spans, errors and latencies. What there is to ask about.',
  },
  {
    name: 'list_operations',
    of: 'operations',
    limit: 15,
    description: 'Operations (span names) of a service or of all, with calls, errors and latencies.',
  },
  {
    name: 'dependencies',
    of: 'dependencies',
    limit: 20,
    description: 'Which service calls which, with calls, errors and latencies.',
  },
  {
    name: 'list_jobs',
    of: 'jobs',
    limit: 8,
    description: 'Jobs, newest first: executions, how they ended, how many have a trace.',
  },
  {
    name: 'job_matrix',
    of: 'job-matrix',
    first: { key: 'cells', of: 'job-cells', lines: tableLines },
    limit: 60,
    omit: ['trace_id'],
    description:
      'A job by model and region (cells: executions, failed, untraced, latency, commonest error and verdict), then its executions by question. status=failed gives only those.',
  },
  {
    name: 'compare_answers',
    of: 'answers',
    hidden: ['sort', 'question_id'],
    first: { key: 'validity', of: 'job-validity', lines: tableLines },
    limit: 8,
    description:
      'What a job was answered: validity by model and region, then the answers of all regions by question and model, the least agreement first.',
  },
  {
    name: 'coverage',
    of: 'coverage',
    limit: 10,
    description: 'Which executions have no trace, by job. With doctor, the way to "why is there no trace?".',
  },
  {
    name: 'doctor',
    of: 'doctor',
    // Where it knocks is for people to decide, not for the author of a span.
    hidden: ['url'],
    description:
      'Why there is no trace: follows a span from flag to table, names the hop that fails, with evidence and fix.',
  },
  {
    name: 'tracing_health',
    of: 'health',
    description: 'Whether tracing itself works: writers, losses, partitions, clocks.',
  },
  {
    name: 'list_attributes',
    of: 'attribute-keys',
    limit: 30,
    description: 'Attribute keys that q can use, with how often they occur.',
  },
  {
    name: 'list_attribute_values',
    of: 'attribute-values',
    limit: 30,
    description: 'Values of one attribute key, the most frequent first.',
  },
  {
    name: 'describe_schema',
    of: 'schema',
    shape: schemaRows,
    lines: schemaLines,
    limit: 60,
    rest: 'name gives one object whole.',
    description:
      'What query_sql may read: views, tables, registered business tables, functions (not those only others use), with columns. name=trace_spans gives one object.',
  },
  {
    name: 'query_sql',
    of: 'sql',
    limit: 50,
    readOnly: true,
    readsSql: true,
    hidden: ['timeout_s'],
    description:
      'One read-only SQL statement, for what no other tool answers. describe_schema tells what there is; always bound started_at when reading trace_spans.',
  },
];

/** The tool that stands for a query; hints name queries. */
export function toolOf(name: string): string | undefined {
  const known = { trace: 'outline', waterfall: 'outline', diagnose: 'unusual-spans' }[name] ?? name;
  return TOOLS.find(({ query }) => query.name === known)?.name;
}

/** The tools there are: those whose query is in the registry. */
export const TOOLS: readonly Tool[] = ENTRIES.flatMap(({ of, first, ...entry }) => {
  const query = named(of);
  if (!query) return [];
  const before = first && named(first.of);
  return [
    {
      title: entry.name.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase()),
      omit: [],
      hidden: [],
      readsSql: false,
      none: '(no rows)',
      readOnly: !query.mutates,
      lines: tableLines,
      refits: false,
      ...entry,
      query,
      ...(first && before && { first: { key: first.key, query: before, lines: first.lines } }),
    },
  ];
});

/** Queries that are not tools, each with the reason. */
export const NOT_TOOLS: Record<string, string> = {
  trace: 'get_trace says it in few lines',
  waterfall: 'get_trace says it in few lines',
  diagnose: 'diagnose_execution leaves out the spans that say nothing',
  'compare-with-usual': 'diagnose_execution tells what is unusual against the same baselines',
  heatmap: 'a picture; what_is_different explains what stands out in it',
  extent: 'chooses the first stretch of time of a picture; search_traces lists the newest',
  series: 'a picture; list_operations has the figures of a stretch of time',
  tracers: 'doctor and tracing_health judge them',
  'diagnosis-types': 'the resource beacon://diagnoses',
  ingest: 'doctor and tracing_health judge it',
  storage: 'for who runs the database, and no question about a trace',
  'preflight-report': 'for who rolls tracing out, and no question about a trace',
  'alert-rules': 'for who is on call, and no question about a trace',
  'alert-targets': 'for who is on call, and no question about a trace',
  'make-alert': 'decides who is woken: a person should',
  'silence-alert': 'decides who is woken: a person should',
  'remove-alert': 'decides who is woken: a person should',
  'test-alert': 'sends a message to people: a person should',
  alerts: 'list_findings has the same causes, whether or not a rule looked',
  'job-differences': 'a list of tools has to stay short; the tool query_sql asks job_differences(job)',
  'compare-jobs': 'a list of tools has to stay short; the tool query_sql asks compare_jobs(a, b)',
  'job-comparison': 'the tool query_sql asks job_comparison(a, b)',
  'job-costs': 'for who pays; the tool query_sql asks job_costs(job)',
  'outage-cost': 'the tool query_sql asks outage_cost(execution)',
  gate: 'for scripts that let a job pass; the tool query_sql asks job_comparison(a, b)',
  'job-scores': 'the tool sql reads the table scores',
  scores: 'a judgement: who judges should send it',
  'submit-job': 'starts work and costs money: a person should',
  judge: 'starts work and costs money: a person should',
  'run-doctor': 'doctor asks the same',
  rerun: 'starts work and costs money: a person should',
  'execution-answers': 'compare_answers has those of a job; query_sql reads beacon.execution_answers',
  receipts: 'for who checks a signature, and no question about a trace',
};

function named(name: string): Query | undefined {
  return QUERIES.find((query) => query.name === name);
}
