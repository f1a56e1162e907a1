// The runner's HTTP API, as much of it as the sample needs.
export interface Job {
  models: string[];
  regions: string[];
  questions: string[];
}

export interface Execution {
  id: string;
  model: string;
  region: string;
  question: string;
  /** `pending`, `processing`, `completed`, `failed` or `cancelled`. */
  status: string;
  ended: boolean;
  /** Attempts begun. */
  attempts: number;
  answer: string | null;
  error_type: string | null;
  error_message: string | null;
  /** Trace of the latest attempt; null when tracing is off. */
  trace_id: string | null;
  /** Milliseconds the latest attempt took. */
  duration_ms: number | null;
}

export class RunnerClient {
  readonly #url: string;
  readonly #signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Submits a job and returns its id. @throws Error with the runner's own words when it refuses. */
  async submit(job: Job): Promise<string> {
    const body = JSON.stringify(job);
    const answer = await this.#ask('/api/v1/jobs/cross-region', { method: 'POST', body });
    return String(answer.job_id);
  }

  async executions(jobId: string): Promise<Execution[]> {
    const { executions } = await this.#ask(`/api/v1/jobs/${jobId}/executions`);
    return (executions as Record<string, unknown>[]).map(toExecution);
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
    const headers = init.body ? { 'content-type': 'application/json' } : {};
    const response = await fetch(`${this.#url}${path}`, { ...init, headers, signal: this.#signal });
    const text = await response.text();
    if (!response.ok) throw new Error(`The runner answered ${path} with ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

const ENDED = ['completed', 'failed', 'cancelled'];

function toExecution(row: Record<string, unknown>): Execution {
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value));
  const status = String(row.status);
  return {
    id: String(row.id),
    model: String(row.model_id),
    region: String(row.region),
    question: String(row.question),
    status,
    ended: ENDED.includes(status),
    attempts: Number(row.attempt),
    answer: text((row.output_data as { answer?: string } | null)?.answer),
    error_type: text(row.error_type),
    error_message: text(row.error_message),
    trace_id: text(row.trace_id),
    duration_ms: row.duration_ms === null ? null : Number(row.duration_ms),
  };
}
