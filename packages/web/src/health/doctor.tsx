// The doctor's verdict, and the button that calls it.
import { useState } from 'preact/hooks';
import { type Answer, ask, type Problem } from '../state/api.ts';
import { asProblem } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Failed, Loading } from '../ui/states.tsx';

type Hop = Rows['run-doctor'];

const GLYPHS: Record<string, IconName> = {
  ok: 'check',
  warn: 'bang',
  fail: 'cross',
  bad: 'cross',
  unknown: 'question',
};

export function DoctorPanel() {
  const [state, setState] = useState<{ running?: boolean; answer?: Answer<Hop>; problem?: Problem }>({});
  const run = async () => {
    setState({ running: true });
    try {
      setState({ answer: await ask('run-doctor', {}, { post: true }) });
    } catch (error) {
      setState({ problem: asProblem(error) });
    }
  };
  return (
    <Panel
      title="Doctor"
      operation="doctor"
      leftOut={state.answer?.leftOut}
      actions={
        <button type="button" class="small" onClick={run} disabled={state.running === true}>
          {state.running ? 'Examining …' : state.answer ? 'Run again' : 'Run the doctor'}
        </button>
      }
    >
      {state.running && <Loading what="the verdict" />}
      {state.problem && <Failed problem={state.problem} retry={run} />}
      {state.answer && <Verdict rows={state.answer.rows} />}
      {!state.running && !state.answer && !state.problem && (
        <p class="dim">
          Follows a span through every hop, from the flag of each running process to the row in the table, and names
          what is broken.
        </p>
      )}
    </Panel>
  );
}

function Verdict({ rows }: { rows: Hop[] }) {
  return (
    <ol class="hops">
      {rows.map((row, i) => {
        const state = String(row.state ?? 'unknown');
        return (
          <li key={`${row.hop} ${i}`} class={`hop ${state.replace(/\W/g, '')}`}>
            <span class="hop-sign" aria-hidden="true">
              <Icon name={GLYPHS[state] ?? 'dash'} />
            </span>
            <div>
              <p>
                <strong>{text(row.hop)}</strong> <span class="unseen">{state}: </span>
                {text(row.what)}
              </p>
              {row.evidence ? <p class="dim">{text(row.evidence)}</p> : null}
              {row.fix ? <p class="hop-fix">{text(row.fix)}</p> : null}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** Whatever a column holds, as text. */
function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
