// What trace this is, and what can be done with it.

import { STATUSES } from '@project-beacon/server/filter/parse.ts';
import { useState } from 'preact/hooks';
import { send } from '../state/api.ts';
import { executionHref } from '../state/url.ts';
import { announce } from '../ui/announce.tsx';
import { Service } from '../ui/bits.tsx';
import { moment } from '../ui/format.ts';
import { share } from './keys.ts';
import type { Trace } from './model.ts';
import type { Session } from './session.ts';
import { durationText, plural } from './words.ts';

interface Props {
  session: Session;
  trace: Trace;
  executionId: string | null;
  live: boolean;
  onCompare: () => void;
}

export function Header({ session, trace, executionId, live, onCompare }: Props) {
  const { header } = trace;
  const [saving, setSaving] = useState(false);
  const status = STATUSES[trace.status[0] ?? 0]!;
  const failed = status !== 'completed' && status !== 'started';
  const save = async () => {
    setSaving(true);
    await exportTrace(trace.traceId).catch((error) => announce(`Not exported: ${(error as Error).message}`));
    setSaving(false);
  };
  return (
    <div class="trace-head">
      <div class="trace-title">
        <h1>
          {executionId ? `Execution ${executionId}` : trace.names[trace.name[0] ?? 0]}{' '}
          <span class={`tag ${failed ? 'bad' : status === 'completed' ? 'ok' : 'warn'}`}>
            {failed ? '× ' : ''}
            {live ? 'running' : status}
          </span>
        </h1>
        <div class="trace-actions">
          <button type="button" onClick={onCompare}>
            Compare
          </button>
          <button
            type="button"
            disabled={saving}
            onClick={save}
            title="One OTLP JSON file, which Beacon and others read"
          >
            Export
          </button>
          <button type="button" onClick={() => share(session)} title="Copy a link to this view (y)">
            Share
          </button>
        </div>
      </div>
      <p class="trace-facts">
        <Service name={trace.services[trace.service[0] ?? 0]?.name ?? null} />
        <span>{trace.names[trace.name[0] ?? 0]}</span>
        <strong>{durationText(trace.total)}</strong>
        <span>{plural(trace.count, 'span')}</span>
        <span>{plural(trace.services.length, 'service')}</span>
        {header.error_count > 0 && <span class="bad">× {plural(header.error_count, 'error')}</span>}
        {header.model_id && <span>model {header.model_id}</span>}
        {header.region && <span>region {header.region}</span>}
        {header.job_id && (
          <span>
            job <a href={`/jobs/${encodeURIComponent(header.job_id)}`}>{header.job_id}</a>
          </span>
        )}
        {!executionId && header.execution_id && (
          <span>
            execution <a href={executionHref(header.execution_id)}>{header.execution_id}</a>
          </span>
        )}
        <span title={trace.startedAt}>{moment(trace.startedAt)}</span>
        <code class="faint">{trace.traceId.replaceAll('-', '')}</code>
      </p>
    </div>
  );
}

/** Downloads a trace as OTLP JSON; by fetch, because a link carries no token. */
async function exportTrace(traceId: string): Promise<void> {
  const response = await send(`/api/v1/export?trace_id=${encodeURIComponent(traceId)}`);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = `trace-${traceId.replaceAll('-', '')}.otlp.json`;
  link.click();
  URL.revokeObjectURL(url);
  announce('Exported as OTLP JSON.');
}
