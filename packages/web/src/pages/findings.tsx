// Findings: why executions failed in a stretch of time, the cause that hit most of them first.

import { FilterBar } from '../explore/filter-bar.tsx';
import { type Range, rangeFields } from '../state/range.ts';
import { useAsk } from '../state/resource.ts';
import type { FindingsRow } from '../state/rows.ts';
import { executionHref, field, hrefTo, readUrl, setUrl } from '../state/url.ts';
import { Service } from '../ui/bits.tsx';
import { FirstSpan, useHasSpans } from '../ui/first-span.tsx';
import { ForeignText } from '../ui/foreign-text.tsx';
import { ago, count, moment } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { RangePicker } from '../ui/range.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { WithRange } from '../ui/with-range.tsx';

const fields = { ...rangeFields, q: field.text('') };

export default function Findings() {
  return <WithRange what="findings">{(range) => <Look range={range} />}</WithRange>;
}

function Look({ range }: { range: Range }) {
  const { q } = readUrl(fields);
  const params = { ...range, q };
  const findings = useAsk('findings', params);
  const hasSpans = useHasSpans(findings.value?.rows.length === 0 && !q);
  if (hasSpans === false) return <FirstSpan />;
  const max = Math.max(1, ...(findings.value?.rows.map(({ executions }) => executions) ?? []));
  return (
    <>
      <div class="page-head">
        <h1>Findings</h1>
        <p class="lead grow">Why executions failed, the cause that hit max of them first.</p>
        <RangePicker range={range} />
      </div>
      <FilterBar
        q={q}
        range={range}
        onChange={(next) => setUrl(fields, { q: next })}
        wrong={findings.problem?.status === 400 ? findings.problem.message : undefined}
      />
      <Panel
        title={findings.value ? `${count(findings.value.rows.length)} causes` : 'Causes'}
        query="findings"
        params={params}
        truncated={findings.value?.truncated}
        flush
      >
        <Loaded resource={findings} what="findings">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="Nothing failed in this time.">
                <p>
                  Slow traces are under <a href={hrefTo('/explore', { ...range, order: 'slowest' })}>Explore</a>,
                  executions without a trace under <a href="/tracing">Health</a>.
                </p>
              </Empty>
            ) : (
              <ol class="findings">
                {rows.map((row) => (
                  <Finding
                    key={`${row.type} ${row.service} ${row.operation} ${row.example_trace_id}`}
                    row={row}
                    max={max}
                  />
                ))}
              </ol>
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}

function Finding({ row, max }: { row: FindingsRow; max: number }) {
  const { type, service, operation, summary, recommendation, confidence, executions } = row;
  return (
    <li class="finding">
      <div class="finding-count">
        <strong>{count(executions)}</strong>
        <span>{`${row.example_execution_id === null ? 'trace' : 'execution'}${executions === 1 ? '' : 's'}`}</span>
        <span class="finding-bar" aria-hidden="true">
          <span style={{ width: `${(100 * executions) / max}%` }} />
        </span>
      </div>
      <div class="finding-words">
        <p class="row">
          <span class="tag bad">
            <Icon name="cross" size={10} /> {type}
          </span>
          <Service name={service} />
          {operation && (
            <span class="dim">
              <ForeignText text={operation} />
            </span>
          )}
        </p>
        <p class="finding-summary">
          <ForeignText text={summary} />
        </p>
        {recommendation && (
          <p class="dim">
            <Icon name="right" /> <ForeignText text={recommendation} />
          </p>
        )}
        <p class="finding-facts">
          <span title={moment(row.first_at)}>
            since {ago(row.first_at)}, last {ago(row.last_at)}
          </span>
          {row.regions.length > 0 && <span>{row.regions.join(', ')}</span>}
          {row.models.length > 0 && <span>{row.models.join(', ')}</span>}
          {confidence !== null && <span>{Math.round(confidence * 100)} % sure</span>}
        </p>
      </div>
      <a class="button" href={exampleOf(row)}>
        Open example
      </a>
    </li>
  );
}

/** The example, focused on the spans that are the evidence. */
function exampleOf({ example_execution_id, example_trace_id, span_ids }: FindingsRow): string {
  const evidence = { span: span_ids?.[0] ?? null };
  if (example_execution_id) return hrefTo(executionHref(example_execution_id), evidence);
  return hrefTo(`/trace/${example_trace_id}`, evidence);
}
