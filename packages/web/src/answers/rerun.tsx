// Cells that are to be tried again: which kind, in which region, and what the runner says.
import { useState } from 'preact/hooks';
import { ask, type Problem } from '../state/api.ts';
import { asProblem } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Failed } from '../ui/states.tsx';

type Only = 'infrastructure' | 'failed' | 'flaky';

interface RerunProps {
  job: string;
  validity: Rows['job-validity'][];
  onClose(): void;
  onDone(): void;
}

export function Rerun({ job, validity, onClose, onDone }: RerunProps) {
  const [only, setOnly] = useState<Only>('infrastructure');
  const [region, setRegion] = useState('');
  const [state, setState] = useState<{ sending?: true; problem?: Problem; n?: number }>({});
  const regions = [...new Set(validity.map((row) => row.region ?? ''))].filter(Boolean).sort();
  const count = (kind: Only) =>
    validity
      .filter((row) => !region || row.region === region)
      .reduce((n, row) => n + (kind === 'failed' ? row.infrastructure + row.empty : row[kind]), 0);
  const words: Record<Only, string> = {
    infrastructure: 'failures of the infrastructure',
    failed: 'all without an answer: these and empty ones',
    flaky: 'flaky: their attempts gave different answers',
  };
  const send = async () => {
    setState({ sending: true });
    try {
      const { rows } = await ask('rerun', { job_id: job, only, ...(region && { region }) }, { post: true });
      setState({ n: rows.length });
      onDone();
    } catch (error) {
      setState({ problem: asProblem(error) });
    }
  };
  return (
    <Dialog title="Try cells again" onClose={onClose}>
      {state.n !== undefined ? (
        <>
          <p role="status">{state.n === 0 ? 'No cell was left to try again.' : `${state.n} cells are tried again.`}</p>
          <button type="button" class="primary" onClick={onClose}>
            Close
          </button>
        </>
      ) : (
        <form
          class="job-form"
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <fieldset>
            <legend>Which</legend>
            {(['infrastructure', 'failed', 'flaky'] as const).map((kind) => (
              <label key={kind} class="row">
                <input type="radio" name="only" checked={only === kind} onChange={() => setOnly(kind)} />
                {words[kind]} ({count(kind)})
              </label>
            ))}
          </fieldset>
          <label class="row">
            Region{' '}
            <select value={region} onChange={({ currentTarget }) => setRegion(currentTarget.value)}>
              <option value="">all</option>
              {regions.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <p class="dim">
            Each keeps its number and gets another attempt. First tries, traces and receipts stay, and both results are
            shown.
          </p>
          {state.problem && <Failed problem={state.problem} />}
          <div class="row">
            <button type="submit" class="primary" disabled={state.sending || count(only) === 0}>
              Try {count(only)} again
            </button>
            <button type="button" onClick={onClose}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
