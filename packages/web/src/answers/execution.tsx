// What an execution was asked and answered, above its trace.
import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { count, duration } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';

type Attempt = Rows['execution-answers'];

/** Nothing where nothing is known of it: a trace without a model is no poorer for that. */
export function ExecutionAnswers({ id }: { id: string }) {
  const params = { execution_id: id };
  const answers = useAsk('execution-answers', params);
  const rows = answers.value?.rows ?? [];
  const receipts = useAsk('receipts', rows.length > 0 ? params : null);
  const newest = rows.at(-1);
  if (!newest) return null;
  return (
    <Panel title={titleOf(rows)} query="execution-answers" params={params} truncated={answers.value?.truncated}>
      <div class="execution-answers">
        <p class="asked">{newest.question ?? <span class="dim">the question is not kept</span>}</p>
        {rows.map((row) => (
          <OneAttempt
            key={row.attempt}
            row={row}
            several={rows.length > 1}
            receipt={receipts.value?.rows.find((each) => each.attempt === row.attempt)}
            unchecked={receipts.problem?.message ?? receipts.value?.truncated ?? undefined}
          />
        ))}
      </div>
    </Panel>
  );
}

function titleOf(rows: Attempt[]): string {
  return rows.length === 1 ? 'Question and answer' : `Question and answers of ${rows.length} attempts`;
}

interface OneAttemptProps {
  row: Attempt;
  several: boolean;
  receipt: Rows['receipts'] | undefined;
  /** Why receipts could not be asked for. */
  unchecked: string | undefined;
}

function OneAttempt({ row, several, receipt, unchecked }: OneAttemptProps) {
  const { validity, reason, answer, language } = row;
  return (
    <div class={`answer-group ${validity === 'answered' ? '' : `none ${validity}`}`}>
      <p class="said" lang={language ?? undefined} dir="auto">
        {answer ?? <span class="dim">{validity === 'answered' ? 'the answer is not kept' : 'no answer'}</span>}
      </p>
      <p class="who">
        {several && <strong>attempt {row.attempt}</strong>}
        <span class={validity === 'answered' ? 'tag' : 'tag bad'}>
          {validity}
          {reason ? `: ${reason}` : ''}
        </span>
        {row.simulated && <span class="tag">simulated</span>}
        {language && <span class="tag">{language}</span>}
        {facts(row).map(([text, bad]) => (
          <span key={text} class={bad ? 'tag bad' : 'dim'}>
            {text}
          </span>
        ))}
        {receipt ? (
          <span class={receipt.valid ? 'dim' : 'tag bad'} title={receipt.problems.join('; ')}>
            receipt {receipt.valid ? 'verified' : `does not hold: ${receipt.problems.join('; ')}`}
          </span>
        ) : (
          unchecked && <span class="dim">receipt not checked: {unchecked}</span>
        )}
      </p>
    </div>
  );
}

/** What served it and what it took; marked where that is not what was asked for. */
function facts(row: Attempt): [text: string, bad: boolean][] {
  const found: [string | false | null, boolean][] = [
    [
      row.same_model === false
        ? `asked ${row.model_id}, ${row.response_model} answered`
        : (row.response_model ?? row.model_id),
      row.same_model === false,
    ],
    [
      row.same_region === false
        ? `asked in ${row.region}, served from ${row.served_region}`
        : row.served_region
          ? `served from ${row.served_region}`
          : row.region && `asked in ${row.region}, not known where it ran`,
      row.same_region === false,
    ],
    [row.provider, false],
    [row.input_tokens !== null && `${count(row.input_tokens)} tokens in`, false],
    [row.cached_tokens !== null && row.cached_tokens > 0 && `${count(row.cached_tokens)} of them cached`, false],
    [row.output_tokens !== null && `${count(row.output_tokens)} out`, false],
    [
      row.reasoning_tokens !== null && row.reasoning_tokens > 0 && `${count(row.reasoning_tokens)} of them reasoning`,
      false,
    ],
    [row.latency_ms !== null && duration(row.latency_ms), false],
    [row.first_chunk_ms !== null && `first chunk after ${duration(row.first_chunk_ms)}`, false],
    [row.system_fingerprint, false],
    [row.quantisation, false],
  ];
  return found.filter((fact): fact is [string, boolean] => typeof fact[0] === 'string' && fact[0] !== '');
}
