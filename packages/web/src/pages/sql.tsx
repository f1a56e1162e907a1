// SQL: a read-only console. The statement is in the address, so a link to it is a link to the answer.
import { useState } from 'preact/hooks';
import { ResultChart } from '../sql/chart.tsx';
import { type Column as ResultColumn, ResultTable } from '../sql/result.tsx';
import { SchemaHelp } from '../sql/schema-help.tsx';
import { type Answer, ask } from '../state/api.ts';
import { useDraft } from '../state/draft.ts';
import { useResource } from '../state/resource.ts';
import { field, readUrl, setUrl } from '../state/url.ts';
import { copy } from '../ui/announce.tsx';
import { count } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Loaded } from '../ui/states.tsx';

const fields = { sql: field.text(''), view: field.oneOf(['table', 'chart'], 'table') };

const EXAMPLES: readonly (readonly [words: string, sql: string])[] = [
  [
    'Slowest operations today',
    `select service, operation, count(*) as calls, round(max(duration_ms)) as slowest_ms
from trace_spans
where started_at > now() - interval '1 day'
group by 1, 2
order by slowest_ms desc
limit 20`,
  ],
  [
    'Errors by hour',
    `select date_trunc('hour', started_at) as hour, count(*) filter (where status = 'failed') as failed, count(*) as spans
from trace_spans
where started_at > now() - interval '1 day'
group by 1
order by 1`,
  ],
  [
    'Errors by region',
    `select region, count(*) filter (where status in ('failed', 'timeout')) as failed
from trace_spans
where started_at > now() - interval '1 day' and region is not null
group by 1
order by 2 desc`,
  ],
  ['Is tracing well?', 'select * from trace_spans_health'],
];

type SqlAnswer = Answer<Record<string, unknown>> & { columns?: ResultColumn[] };

export default function Sql() {
  const { sql, view } = readUrl(fields);
  const [text, setText] = useDraft(sql || (EXAMPLES[0]?.[1] ?? ''));
  const [round, setRound] = useState(0);
  const answer = useResource<SqlAnswer>(
    sql ? `${round} ${sql}` : null,
    (signal) => ask('sql', { statement: sql }, { post: true, signal }) as Promise<SqlAnswer>,
  );
  const run = () => {
    setRound((n) => n + 1);
    setUrl(fields, { sql: text });
  };
  return (
    <>
      <div class="page-head">
        <h1>SQL</h1>
        <p class="lead grow">Read-only, one statement, over the schema beacon and registered tables.</p>
      </div>
      <div class="sql-page">
        <div class="sql-main">
          <section class="panel editor" aria-label="Statement">
            <textarea
              data-filter
              aria-label="SQL statement"
              spellcheck={false}
              rows={Math.max(6, Math.min(18, text.split('\n').length + 1))}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
                else if (event.key === 'Escape') event.currentTarget.blur();
              }}
            />
            <div class="row editor-actions">
              <button type="button" class="primary" onClick={run} disabled={text.trim() === ''}>
                Run
              </button>
              <span class="faint">
                <kbd>Ctrl</kbd> <kbd>Enter</kbd>
              </span>
              <span class="grow" />
              <select
                aria-label="Examples"
                value=""
                onChange={({ currentTarget }) => {
                  setText(EXAMPLES.find(([words]) => words === currentTarget.value)?.[1] ?? text);
                  currentTarget.value = '';
                }}
              >
                <option value="">Examples …</option>
                {EXAMPLES.map(([words]) => (
                  <option key={words}>{words}</option>
                ))}
              </select>
              <button type="button" disabled={!sql} onClick={() => copy(location.href, 'a link to this query')}>
                Copy link
              </button>
            </div>
          </section>
          <Panel
            title={answer.value ? `${count(answer.value.rows.length)} rows` : 'Answer'}
            {...(sql && { query: 'sql', params: { statement: sql } })}
            truncated={answer.value?.truncated}
            flush
            actions={
              <Segments
                label="Shown as"
                options={[
                  ['table', 'table'],
                  ['chart', 'chart'],
                ]}
                value={view}
                onChange={(value) => setUrl(fields, { view: value }, { replace: true })}
              />
            }
          >
            {sql ? (
              <Loaded resource={answer} what="the answer">
                {(value) => <Shown answer={value} view={view} />}
              </Loaded>
            ) : (
              <Empty title="Nothing asked yet.">
                <p>Write a statement, or take an example.</p>
              </Empty>
            )}
          </Panel>
        </div>
        <SchemaHelp onPick={(name) => setText(`${text}${/\s$|^$/.test(text) ? '' : ' '}${name}`)} />
      </div>
    </>
  );
}

function Shown({ answer, view }: { answer: SqlAnswer; view: 'table' | 'chart' }) {
  const columns = answer.columns ?? Object.keys(answer.rows[0] ?? {}).map((name) => ({ name, type: '' }));
  if (answer.rows.length === 0) return <Empty title="No rows." />;
  if (view === 'chart') return <ResultChart columns={columns} rows={answer.rows} />;
  return <ResultTable columns={columns} rows={answer.rows} />;
}
