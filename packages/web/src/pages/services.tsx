// Services: one in focus with its neighbours, its operations, and all of them as a table.

import { DEPENDENCY_COLUMNS, OPERATION_COLUMNS, serviceColumns } from '../services/columns.tsx';
import { ServiceGraph } from '../services/service-graph.tsx';
import { type Range, rangeFields } from '../state/range.ts';
import { useAsk } from '../state/resource.ts';
import { field, hrefTo, hrefWith, readUrl, setUrl } from '../state/url.ts';
import { Service } from '../ui/bits.tsx';
import { FirstSpan, useHasSpans } from '../ui/first-span.tsx';
import { Panel } from '../ui/panel.tsx';
import { RangePicker } from '../ui/range.tsx';
import { Segments } from '../ui/segments.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { Table } from '../ui/table.tsx';
import { WithRange } from '../ui/with-range.tsx';

const fields = {
  ...rangeFields,
  service: field.text(''),
  hops: field.oneOf(['1', '2'], '2'),
  sort: field.text(''),
};

export default function Services() {
  return <WithRange what="services">{(range) => <Look range={range} />}</WithRange>;
}

function Look({ range }: { range: Range }) {
  const { service, sort } = readUrl(fields);
  const services = useAsk('services', range);
  const rows = services.value?.rows ?? [];
  const hasSpans = useHasSpans(services.value?.rows.length === 0);
  // Without a choice: the one with the most errors, else the one that does most.
  const focus = service || rows.toSorted((a, b) => b.errors - a.errors || b.spans - a.spans)[0]?.service || '';
  const hrefOf = (name: string) => hrefWith(fields, { service: name });
  if (hasSpans === false) return <FirstSpan />;
  return (
    <>
      <div class="page-head">
        <h1>Services</h1>
        <span class="grow" />
        <RangePicker range={range} />
      </div>
      {focus && <Around focus={focus} range={range} hrefOf={hrefOf} />}
      <Panel
        title="All services"
        query="services"
        params={range}
        truncated={rows.length > 0 ? services.value?.truncated : null}
        flush
      >
        <Loaded resource={services} what="services">
          {({ rows: all, truncated }) =>
            all.length === 0 ? (
              <Empty title="No service was seen in this time.">
                <p>{truncated ?? 'A longer range may show some.'}</p>
              </Empty>
            ) : (
              <Table
                caption="Services"
                columns={serviceColumns(hrefOf)}
                rows={all}
                rowKey={(row) => row.service}
                rowClass={(row) => (row.service === focus ? 'chosen' : undefined)}
                sort={sort}
                onSort={(by) => setUrl(fields, { sort: by }, { replace: true })}
              />
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}

interface AroundProps {
  focus: string;
  range: Range;
  hrefOf(service: string): string;
}

function Around({ focus, range, hrefOf }: AroundProps) {
  const { hops } = readUrl(fields);
  const around = { ...range, service: focus, hops };
  const edges = useAsk('dependencies', around);
  const operations = useAsk('operations', { ...range, service: focus, limit: 50 });
  return (
    <>
      <Panel
        title={<Service name={focus} />}
        query="dependencies"
        params={around}
        truncated={edges.value?.truncated}
        flush
        actions={
          <>
            <a
              class="button small"
              href={hrefTo('/explore', { q: `service=${JSON.stringify(focus)}`, from: range.from, to: range.to })}
            >
              Explore
            </a>
            <Segments
              label="Distance"
              options={[
                ['1', 'neighbours'],
                ['2', 'two hops'],
              ]}
              value={hops}
              onChange={(value) => setUrl(fields, { hops: value }, { replace: true })}
            />
          </>
        }
      >
        <Loaded resource={edges} what="its calls">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title={`${focus} neither called nor was called by another service.`} />
            ) : (
              <>
                <ServiceGraph edges={rows} focus={focus} hrefOf={hrefOf} />
                <details class="same-facts">
                  <summary>The same as a table</summary>
                  <Table
                    caption={`Calls around ${focus}`}
                    columns={DEPENDENCY_COLUMNS}
                    rows={rows}
                    rowKey={(row) => `${row.caller} ${row.callee}`}
                  />
                </details>
              </>
            )
          }
        </Loaded>
      </Panel>
      <Panel
        title={`Operations of ${focus}`}
        query="operations"
        params={{ ...range, service: focus }}
        truncated={operations.value?.truncated}
        flush
      >
        <Loaded resource={operations} what="operations">
          {({ rows }) => (
            <Table
              caption={`Operations of ${focus}`}
              columns={OPERATION_COLUMNS}
              rows={rows}
              rowKey={(row) => `${row.kind} ${row.operation}`}
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
}
