// What an attempt was asked and got, written into Beacon's table of answers by the statement that ends the attempt: both are
// stored or neither is.
import type { Redactor } from '@project-beacon/writer';
import type { Claim } from './executions.ts';
import type { Output } from './router-client.ts';

/** Arguments of `beacon.record_answer`: the attempt, and whether its texts are kept. */
export type Recorded = [told: string, keepContent: boolean];

export function answered(held: Claim, output: Output, traceId: string | null, redactor: Redactor): Recorded {
  const { answer, provider, simulated, ...said } = output;
  return recorded(
    {
      ...asked(held, traceId),
      status: 'completed',
      answer: answer.replaceAll('\0', '\uFFFD'),
      provider,
      simulated,
      served_region: said.served_region,
      response_model: said.response_model,
      system_fingerprint: said.system_fingerprint,
      quantisation: said.quantisation,
      finish_reason: said.finish_reason,
      input_tokens: said.input_tokens,
      output_tokens: said.output_tokens,
      cached_tokens: said.cached_tokens,
      reasoning_tokens: said.reasoning_tokens,
      first_chunk_ms: said.first_chunk_ms,
      chunks_per_s: said.chunks_per_s,
    },
    redactor,
  );
}

export function failedAttempt(
  held: Claim,
  traceId: string | null,
  code: string,
  message: string,
  redactor: Redactor,
): Recorded {
  return recorded({ ...asked(held, traceId), status: 'failed', error_type: code, error_message: message }, redactor);
}

/** Each text without the secrets in it; where content is off, lengths and hashes of what was said are kept. */
function recorded(attempt: Record<string, unknown>, redactor: Redactor): Recorded {
  const clean = Object.entries(attempt).map(([name, value]) => [
    name,
    typeof value === 'string' ? redactor.ofText(value) : value,
  ]);
  return [JSON.stringify(Object.fromEntries(clean)), redactor.content];
}

function asked(held: Claim, traceId: string | null) {
  return {
    execution_id: Number(held.executionId),
    attempt: held.attempt,
    job_id: held.jobId,
    model_id: held.model,
    region: held.region,
    question: held.question,
    question_id: held.questionId,
    trace_id: traceId,
    started_at: held.startedAt,
  };
}
