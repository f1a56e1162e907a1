// The doctor's verdict, and the button that calls it.
import { useState } from 'preact/hooks';
import { type Answer, ask, type Problem } from '../state/api.ts';
import { asProblem } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Failed, Loading } from '../ui/states.tsx';

type Hop = Rows['run-doctor'];

const SIGNS: Record<string, IconName> = { good: 'check', note: 'bang', unknown: 'question', fault: 'cross' };

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
      query="doctor"
      truncated={state.answer?.truncated}
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

/** What needs attention, and then, folded away, what is well. */
function Verdict({ rows }: { rows: Hop[] }) {
  const hops = alike(rows);
  const faults = hops.filter(({ row }) => row.state !== 'good');
  const good = hops.filter(({ row }) => row.state === 'good');
  return (
    <>
      {faults.length === 0 && <p class="doctor-well">Every hop that could be followed is well.</p>}
      <Hops hops={faults} />
      {good.length > 0 && (
        <details class="well" open={faults.length === 0}>
          <summary>{good.length === 1 ? 'One thing is well' : `${good.length} things are well`}</summary>
          <Hops hops={good} />
        </details>
      )}
    </>
  );
}

interface Alike {
  row: Hop;
  /** Services that say the same; none where it is about none. */
  services: string[];
}

/** The same said of several services stands once. */
function alike(rows: Hop[]): Alike[] {
  const found = new Map<string, Alike>();
  for (const row of rows) {
    const key = JSON.stringify([row.hop, row.state, row.what, row.fix]);
    const known = found.get(key) ?? { row, services: [] };
    if (row.service) known.services.push(row.service);
    found.set(key, known);
  }
  return [...found.values()];
}

function Hops({ hops }: { hops: Alike[] }) {
  return (
    <ol class="hops">
      {hops.map(({ row, services }) => (
        <li key={`${row.hop} ${row.what}`} class={`hop ${row.state}`}>
          <span class="hop-sign" aria-hidden="true">
            <Icon name={SIGNS[row.state] ?? 'dash'} />
          </span>
          <div>
            <p>
              <span class="unseen">{row.state}: </span>
              <strong>{row.hop}</strong> {row.what}
              {services.length > 0 && <span class="faint"> ({[...new Set(services)].join(', ')})</span>}
            </p>
            <Evidence of={row.evidence} />
            {row.fix && <p class="hop-fix">{row.fix}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Evidence({ of }: { of: unknown }) {
  const facts = Object.entries((of ?? {}) as Record<string, unknown>);
  if (facts.length === 0) return null;
  return (
    <p class="dim">
      {facts
        .map(
          ([name, value]) =>
            `${name.replaceAll('_', ' ')} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
        )
        .join(', ')}
    </p>
  );
}
