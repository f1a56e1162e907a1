// What an attempt was asked and got, written into Beacon's table of answers by the statement that ends the attempt: both are
// stored or neither is.
import type { Claim } from './executions.ts';
import type { Output } from './router-client.ts';

/** Arguments of `beacon.record_answer`: the attempt, and whether its texts are kept. */
export type Recorded = [told: string, keepContent: boolean];

/** @param keepContent false where BEACON_CONTENT is off: lengths and hashes of the texts are kept instead. */
export function answered(held: Claim, output: Output, traceId: string | null, keepContent: boolean): Recorded {
  const { answer, provider, simulated, ...said } = output;
  return [
    JSON.stringify({
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
    }),
    keepContent,
  ];
}

export function failedAttempt(
  held: Claim,
  traceId: string | null,
  code: string,
  message: string,
  keepContent: boolean,
): Recorded {
  const told = { ...asked(held, traceId), status: 'failed', error_type: code, error_message: message };
  return [JSON.stringify(told), keepContent];
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
