// Two traces side by side, aligned by what nests in what.
import { useMemo, useState } from 'preact/hooks';
import { useAsk } from '../state/resource.ts';
import { Service } from '../ui/bits.tsx';
import { count, duration } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Loaded } from '../ui/states.tsx';
import { plain } from './attempts.tsx';
import { VirtualRows } from './virtual-rows.tsx';

/** A row of `compare`. */
interface Aligned {
  change: 'same' | 'status' | 'slower' | 'faster' | 'missing' | 'added';
  depth: number;
  service: string;
  operation: string;
  a_status: string | null;
  b_status: string | null;
  a_ms: number | null;
  b_ms: number | null;
  delta_ms: number | null;
}

interface Props {
  a: string;
  b: string;
  /** What to call the two. */
  names: [a: string, b: string];
  onBack?: () => void;
}

const MAX = 5000;
const CHANGES = ['status', 'slower', 'faster', 'added', 'missing', 'same'] as const;

export function Comparison({ a, b, names, onBack }: Props) {
  const params = { a, b, limit: MAX };
  const answer = useAsk('compare', params);
  return (
    <Panel
      title="Compared"
      query="compare"
      params={params}
      truncated={answer.value?.truncated}
      flush
      actions={
        <>
          <a class="button" href={`/trace/${a}`}>
            Open {names[0]}
          </a>
          {!onBack && (
            <a class="button" href={`/trace/${b}`}>
              Open {names[1]}
            </a>
          )}
          {onBack && (
            <button type="button" onClick={onBack}>
              Another one
            </button>
          )}
        </>
      }
    >
      <Loaded resource={answer} what="the comparison">
        {({ rows }) => <Side rows={rows as unknown as Aligned[]} names={names} ids={[a, b]} />}
      </Loaded>
    </Panel>
  );
}

function Side({ rows, names, ids }: { rows: Aligned[]; names: Props['names']; ids: [string, string] }) {
  const [all, setAll] = useState(false);
  const shown = useMemo(() => (all ? rows : withParents(rows)), [rows, all]);
  const longest = Math.max(1e-6, ...rows.flatMap((row) => [row.a_ms ?? 0, row.b_ms ?? 0]));
  const root = rows.find((row) => row.depth === 0 && row.a_ms !== null && row.b_ms !== null) ?? rows[0];
  const tally = CHANGES.map((change) => [change, rows.filter((row) => row.change === change).length] as const).filter(
    ([, n]) => n > 0,
  );
  return (
    <div class="comparison">
      <div class="comparison-head">
        <dl class="comparison-ends">
          {names.map((name, n) => (
            <div key={name}>
              <dt>
                {name} <code class="faint">{plain(ids[n]!).slice(0, 8)}</code>
              </dt>
              <dd>
                <strong>{duration(n === 0 ? root?.a_ms : root?.b_ms)}</strong>{' '}
                {n === 0 ? root?.a_status : root?.b_status}
              </dd>
            </div>
          ))}
        </dl>
        <p class="comparison-tally">
          {tally.map(([change, n]) => (
            <span key={change} class={`change ${change}`}>
              {count(n)} {WORDS[change]}
            </span>
          ))}
        </p>
        <label class="comparison-all">
          <input type="checkbox" checked={all} onChange={({ currentTarget }) => setAll(currentTarget.checked)} /> also
          what is the same
        </label>
      </div>
      {shown.length === 0 ? (
        <p class="choose-first dim">Nothing differs: the same operations, ended alike, within the same time.</p>
      ) : (
        <>
          <div class="comparison-row comparison-titles" aria-hidden="true">
            <span>Change</span>
            <span>Query</span>
            <span class="end">{names[0]}</span>
            <span class="end">{names[1]}</span>
            <span class="end">Difference</span>
            <span>Both durations</span>
          </div>
          <VirtualRows
            count={shown.length}
            height={34}
            label="Compared operations"
            row={(n) => <Line row={shown[n]!} longest={longest} />}
          />
        </>
      )}
    </div>
  );
}

const WORDS: Record<Aligned['change'], string> = {
  same: 'the same',
  status: 'ended otherwise',
  slower: 'slower',
  faster: 'faster',
  added: 'only here',
  missing: 'missing here',
};

function Line({ row, longest }: { row: Aligned; longest: number }) {
  const width = (ms: number | null) => ({ width: `${ms === null ? 0 : Math.max(0.5, (100 * ms) / longest)}%` });
  const failed = (status: string | null) => status !== null && status !== 'completed' && status !== 'started';
  return (
    <div class="comparison-row">
      <span class={`change ${row.change}`}>{WORDS[row.change]}</span>
      <span class="comparison-name" style={{ paddingLeft: `${Math.min(row.depth, 16) * 12}px` }}>
        <Service name={row.service} /> <span class="clip">{row.operation}</span>
      </span>
      <span class={`end ${failed(row.a_status) ? 'bad' : ''}`}>
        {failed(row.a_status) ? '× ' : ''}
        {row.a_status === null ? '–' : duration(row.a_ms)}
      </span>
      <span class={`end ${failed(row.b_status) ? 'bad' : ''}`}>
        {failed(row.b_status) ? '× ' : ''}
        {row.b_status === null ? '–' : duration(row.b_ms)}
      </span>
      <span class="end">
        {row.delta_ms === null ? '' : `${row.delta_ms < 0 ? '−' : '+'}${duration(Math.abs(row.delta_ms))}`}
      </span>
      <span class="comparison-bars" aria-hidden="true">
        <span class="a" style={width(row.a_ms)} />
        <span class="b" style={width(row.b_ms)} />
      </span>
    </div>
  );
}

/** What differs, with what it stands below. */
function withParents(rows: Aligned[]): Aligned[] {
  const kept = new Set<Aligned>();
  const above: Aligned[] = [];
  for (const row of rows) {
    above.length = Math.min(above.length, row.depth);
    above[row.depth] = row;
    if (row.change !== 'same') for (const each of above) if (each) kept.add(each);
  }
  return rows.filter((row) => kept.has(row));
}
