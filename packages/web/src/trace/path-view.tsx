// The critical path as a list: what to shorten, in order of time.
import { useAsk } from '../state/resource.ts';
import { Service } from '../ui/bits.tsx';
import { duration } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { rowOfId } from './model.ts';
import type { Session } from './session.ts';

/** A row of `critical-path`. */
interface Step {
  step: number;
  service: string;
  operation: string;
  from_ms: number;
  to_ms: number;
  ms: number;
  share_pct: number;
  span_id: string;
}

export function PathView({ session }: { session: Session }) {
  const trace = session.trace.value!;
  const params = { trace_id: trace.traceId, limit: 1000 };
  const answer = useAsk('critical-path', params);
  const columns: Column<Step>[] = [
    { key: 'step', title: '#', end: true, cell: (step) => <span class="faint">{step.step}</span> },
    {
      key: 'operation',
      title: 'Working itself',
      cell: (step) => (
        <button type="button" class="link" title="Show it in the waterfall" onClick={() => show(step)}>
          <Service name={step.service} />
          <span class="clip">{step.operation}</span>
        </button>
      ),
    },
    {
      key: 'place',
      title: 'When',
      wideOnly: true,
      cell: (step) => (
        <span class="when" aria-hidden="true">
          <span
            class="when-fill"
            style={{
              left: `${(1e5 * step.from_ms) / trace.total}%`,
              width: `${Math.max(0.6, (1e5 * step.ms) / trace.total)}%`,
            }}
          />
        </span>
      ),
    },
    { key: 'from', title: 'From', end: true, wideOnly: true, cell: (step) => duration(step.from_ms) },
    { key: 'ms', title: 'Takes', end: true, cell: (step) => duration(step.ms) },
    {
      key: 'share',
      title: 'Share',
      end: true,
      cell: (step) => <strong>{step.share_pct.toFixed(1)} %</strong>,
    },
  ];
  function show(step: Step): void {
    session.tab.value = 'waterfall';
    session.goTo(rowOfId(trace, step.span_id), { panel: true });
  }
  return (
    <Panel
      title="Critical path: shortening anything else changes nothing"
      query="critical-path"
      params={params}
      truncated={answer.value?.truncated}
      flush
    >
      <Loaded resource={answer} what="the critical path">
        {({ rows }) => (
          <Table
            caption="Critical path"
            columns={columns}
            rows={rows as unknown as Step[]}
            rowKey={(step) => String(step.step)}
          />
        )}
      </Loaded>
    </Panel>
  );
}
