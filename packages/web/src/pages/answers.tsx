// What a job was answered: validity first, then each question with the answers of all regions beside each other.
import { useState } from 'preact/hooks';
import { Question } from '../answers/question.tsx';
import { Rerun } from '../answers/rerun.tsx';
import { ValidityTable } from '../answers/validity-table.tsx';
import type { PageProps } from '../routes.ts';
import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { field, readUrl, setUrl } from '../state/url.ts';
import { count, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Loaded } from '../ui/states.tsx';

const SORTS = ['disagreement', 'question'] as const;
const ONLY = ['all', 'differing', 'refused', 'failed'] as const;
const fields = {
  sort: field.oneOf(SORTS, 'disagreement'),
  only: field.oneOf(ONLY, 'all'),
};
const SORT_WORDS = { disagreement: 'least agreement first', question: 'by question' };
const ONLY_WORDS = { all: 'all', differing: 'differing', refused: 'refused', failed: 'without an answer' };
const LIVE_MS = 2000;

export default function Answers({ params: { id = '' } }: PageProps) {
  const { sort, only } = readUrl(fields);
  const [asking, setAsking] = useState(false);
  const [every, setEvery] = useState<number>();
  const validity = useAsk('job-validity', { job_id: id, limit: 5000 }, { every });
  const params = { job_id: id, sort, only, limit: 100 };
  const shown = useAsk('answers', params, { every });
  const rows = validity.value?.rows ?? [];
  const pending = rows.some((row) => row.pending > 0) ? LIVE_MS : undefined;
  if (pending !== every) setEvery(pending);
  return (
    <>
      <div class="page-head">
        <h1>
          <a href="/jobs" class="crumb">
            Jobs
          </a>{' '}
          /{' '}
          <a href={`/jobs/${encodeURIComponent(id)}`} class="crumb">
            {id}
          </a>{' '}
          / Answers
        </h1>
        <span class="grow" />
        <button type="button" onClick={() => setAsking(true)} disabled={rows.length === 0}>
          Try again …
        </button>
      </div>
      {asking && (
        <Rerun
          job={id}
          validity={rows}
          onClose={() => setAsking(false)}
          onDone={() => {
            validity.reload();
            shown.reload();
          }}
        />
      )}
      <Loaded resource={validity} what="the validity of the cells">
        {({ rows, truncated }) =>
          rows.length === 0 ? (
            <Empty title={`Job ${id} has no executions.`} />
          ) : (
            <>
              <Facts rows={rows} />
              <Panel
                title="What the cells are worth"
                query="job-validity"
                params={{ job_id: id }}
                truncated={truncated}
                flush
              >
                <ValidityTable rows={rows} />
              </Panel>
            </>
          )
        }
      </Loaded>
      <Panel
        title="Answers"
        query="answers"
        params={params}
        truncated={shown.value?.truncated}
        actions={
          <>
            <Segments
              label="Show"
              options={ONLY.map((each) => [each, ONLY_WORDS[each]] as const)}
              value={only}
              onChange={(value) => setUrl(fields, { only: value }, { replace: true })}
            />
            <Segments
              label="Sort"
              options={SORTS.map((each) => [each, SORT_WORDS[each]] as const)}
              value={sort}
              onChange={(value) => setUrl(fields, { sort: value }, { replace: true })}
            />
          </>
        }
      >
        <Loaded resource={shown} what="the answers">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="No question fits." />
            ) : (
              <div class="questions">
                {rows.map((row) => (
                  <Question key={`${row.question_id} ${row.model_id}`} row={row} />
                ))}
              </div>
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}

function Facts({ rows }: { rows: Rows['job-validity'][] }) {
  const sum = (pick: (row: Rows['job-validity']) => number) => rows.reduce((n, row) => n + pick(row), 0);
  const cells = sum((row) => row.cells);
  const answered = sum((row) => row.answered);
  const first = sum((row) => row.first_answered);
  const compared = sum((row) => row.compared);
  const infrastructure = sum((row) => row.infrastructure);
  const refused = sum((row) => row.refused);
  const elsewhere = sum((row) => row.served_elsewhere);
  const unknown = sum((row) => row.served_unknown);
  const facts: [title: string, value: string, bad: boolean][] = [
    ['Answered', `${count(answered)} of ${count(cells)}`, answered < cells],
    ['At the first try', count(first), false],
    [
      'Say what most say',
      compared === 0 ? '–' : `${percent((100 * sum((row) => row.agreed)) / compared)} of ${count(compared)}`,
      false,
    ],
    ['Refused', count(refused), false],
    ['Infrastructure', count(infrastructure), infrastructure > 0],
    ['Served elsewhere', unknown === cells ? 'not known' : count(elsewhere), elsewhere > 0],
  ];
  return (
    <section class="figures" aria-label="The answers in figures">
      {facts.map(([title, value, bad]) => (
        <dl key={title}>
          <dt>{title}</dt>
          <dd class={bad ? 'figure bad' : 'figure'}>{value}</dd>
        </dl>
      ))}
    </section>
  );
}
