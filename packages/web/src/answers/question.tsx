// One question to one model: what the regions answered, side by side, and which did not answer.
import type { Rows } from '../state/rows.ts';
import { executionHref } from '../state/url.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { differingWords } from './words.ts';

export type AnswersRow = Rows['answers'];
type Group = AnswersRow['groups'][number];
type Other = AnswersRow['others'][number];

export function Question({ row }: { row: AnswersRow }) {
  const { groups, others, answered } = row;
  const first = groups[0]?.answer ?? '';
  return (
    <article class="question-block">
      <h3>
        <Sign row={row} />
        <span class="asked">{row.question ?? `question ${row.question_id ?? ''} (its text is not kept)`}</span>
        <span class="tag">{row.model_id ?? 'no model'}</span>
        <span class="dim says">{says(row)}</span>
      </h3>
      <div class="answer-groups">
        {groups.map((group, i) => (
          <AnswerGroup key={i} group={group} of={answered} first={i === 0 ? null : first} />
        ))}
        {alike(others).map((same) => (
          <NoAnswer key={same[0]?.execution_id ?? same[0]?.trace_id} others={same} />
        ))}
      </div>
    </article>
  );
}

function Sign({ row: { differs, agreement } }: { row: AnswersRow }) {
  if (differs) {
    return (
      <span class="sign differs" title="Regions differ">
        ≠
      </span>
    );
  }
  const agree = agreement !== null;
  return (
    <span class={agree ? 'sign' : 'sign dim'} title={agree ? 'Regions agree' : 'Nothing to compare'}>
      {agree ? '=' : '–'}
    </span>
  );
}

/** `3 of 4 regions say the same`: of those with an answer. */
function says({ groups, answered, agreement, refused, failed }: AnswersRow): string {
  const apart = [refused > 0 && `${refused} refused`, failed > 0 && `${failed} without an answer`]
    .filter(Boolean)
    .join(', ');
  const n = groups[0]?.n ?? 0;
  const said =
    answered === 0
      ? 'no answer'
      : answered === 1
        ? 'one answer: nothing to compare'
        : agreement === 1
          ? `all ${answered} say the same`
          : n === 1
            ? `${groups.length} different answers`
            : `${n} of ${answered} say the same, ${groups.length} different answers`;
  return apart ? `${said}; ${apart}` : said;
}

/** @param first answer of the largest group, with which the words of the others are compared; null for that group itself. */
function AnswerGroup({ group, of, first }: { group: Group; of: number; first: string | null }) {
  const { answer, n, language, cells, chars } = group;
  return (
    <div class={first === null ? 'answer-group' : 'answer-group other'}>
      <p class="said" lang={language ?? undefined} dir="auto">
        {answer === null ? (
          <span class="dim">not kept ({chars ?? '?'} characters)</span>
        ) : first === null ? (
          answer
        ) : (
          differingWords(answer, first).map(({ text, differs }, i) => (differs ? <mark key={i}>{text}</mark> : text))
        )}
        {answer !== null && chars !== null && chars > answer.trim().length && (
          <span class="dim"> … ({chars} characters)</span>
        )}
      </p>
      <p class="who">
        <strong>
          {n} of {of}
        </strong>
        {language && <span class="tag">{language}</span>}
        {cells.map((cell) => (
          <CellName key={cell.execution_id ?? cell.trace_id} cell={cell} />
        ))}
      </p>
    </div>
  );
}

type Named = Pick<
  Group['cells'][number],
  'region' | 'execution_id' | 'trace_id' | 'served_region' | 'attempts' | 'first_validity'
>;

function CellName({ cell }: { cell: Named }) {
  const { region, execution_id, trace_id, served_region, attempts, first_validity } = cell;
  const served = served_region && served_region !== region ? ` (ran in ${served_region})` : '';
  const tries = attempts > 1 ? ` (try ${attempts}; the first: ${first_validity})` : '';
  return (
    <a
      class="region"
      href={execution_id === null ? `/trace/${trace_id}` : executionHref(execution_id)}
      title={`Execution ${execution_id ?? trace_id}${served}${tries}`}
    >
      {region ?? 'no region'}
      {served}
      {attempts > 1 && <sup>{attempts}</sup>}
    </a>
  );
}

const GLYPHS: Record<string, IconName> = {
  refused: 'bang',
  infrastructure: 'cross',
  empty: 'empty',
  truncated: 'dash',
  flaky: 'question',
  cancelled: 'dash',
  pending: 'ring',
};

/** Cells that have no answer for the same reason stand together. */
function alike(others: Other[]): Other[][] {
  return [
    ...Map.groupBy(others, ({ validity, reason, answer }) => JSON.stringify([validity, reason, answer])).values(),
  ];
}

function NoAnswer({ others }: { others: Other[] }) {
  const [first] = others;
  if (!first) return null;
  const { validity, reason, answer, language } = first;
  return (
    <div class={`answer-group none ${validity}`}>
      <p class="said" lang={language ?? undefined} dir="auto">
        <Icon name={GLYPHS[validity] ?? 'question'} /> {validity}
        {reason && <span class="dim"> · {reason}</span>}
        {answer && <span class="quote"> {answer}</span>}
      </p>
      <p class="who">
        {language && <span class="tag">{language}</span>}
        {others.map((other) => (
          <CellName key={other.execution_id ?? other.trace_id} cell={{ ...other, served_region: null }} />
        ))}
      </p>
    </div>
  );
}
