// Several traces of one execution: each is an attempt, or what recovery did in between.
import { useAsk } from '../state/resource.ts';
import { duration, moment } from '../ui/format.ts';

interface Props {
  executionId: string;
  ids: string[];
  current: string;
  onChoose: (traceId: string) => void;
}

export function Attempts({ executionId, ids, current, onChoose }: Props) {
  const summaries = useAsk('search', { execution_id: executionId, from: '30d', limit: 100 });
  const of = new Map(summaries.value?.rows.map((row) => [plain(row.trace_id), row]));
  return (
    <nav class="attempts" aria-label="Attempts of this execution">
      <span class="dim">{ids.length} traces of this execution:</span>
      {ids.map((id, n) => {
        const row = of.get(plain(id));
        const failed = row && row.status !== 'completed' && row.status !== 'started';
        return (
          <button key={id} type="button" aria-pressed={plain(id) === plain(current)} onClick={() => onChoose(id)}>
            <strong>{n + 1}</strong> {row?.root_operation ?? 'trace'}
            {row && (
              <span class={failed ? 'bad' : 'dim'}>
                {failed ? '× ' : ''}
                {row.status} {duration(row.duration_ms)}
              </span>
            )}
            {row && <span class="faint">{moment(row.started_at)}</span>}
            {n === ids.length - 1 && <span class="faint">newest</span>}
          </button>
        );
      })}
    </nav>
  );
}

/** A trace id without the dashes of a uuid. */
export function plain(id: string): string {
  return id.replaceAll('-', '');
}
