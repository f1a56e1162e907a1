// How far a job is: what ended well, what failed, what runs, in one bar and in words.
import type { JobsRow } from '../state/rows.ts';
import { count } from '../ui/format.ts';

type Counts = Pick<JobsRow, 'executions' | 'finished' | 'failed' | 'running'>;

export function Progress({ job, wide = false }: { job: Counts; wide?: boolean }) {
  const { executions, finished, failed, running } = job;
  const share = (n: number) => ({ width: `${(100 * n) / Math.max(1, executions)}%` });
  const words = `${finished} of ${executions} finished, ${failed} failed, ${running} running`;
  return (
    <span class={wide ? 'progress wide' : 'progress'}>
      <span class="progress-bar" role="img" aria-label={words} title={words}>
        <span class="good" style={share(finished - failed)} />
        <span class="failed" style={share(failed)} />
        <span class="running" style={share(running)} />
      </span>
      <span class="progress-words" aria-hidden="true">
        {finished === executions ? count(executions) : `${count(finished)} / ${count(executions)}`}
      </span>
    </span>
  );
}
